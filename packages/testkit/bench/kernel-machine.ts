import { hostClock, hostEntropy, MIB, type RiscvCpu, type RiscvCpuConfig } from '@doppel/base'
import { type BootFile, VirtMachine } from '@doppel/board'
import { RISCV_ISA } from '@doppel/riscv'
import type { KernelRun } from './kernel-run.ts'

/** Runs a kernel's program on a board of its own, in Node or in a page. */
export async function runKernel(
  elf: BootFile,
  cpus: number,
  createCpu: (config: RiscvCpuConfig) => RiscvCpu,
): Promise<KernelRun> {
  const clock = hostClock()
  let output = ''
  const vm = new VirtMachine({
    cpus,
    memoryBytes: 64 * MIB,
    createCpu,
    isa: RISCV_ISA,
    clock,
    entropy: hostEntropy,
    console: {
      write: bytes => {
        output += new TextDecoder().decode(bytes)
      },
      onInput: () => undefined,
    },
    boot: { elf },
  })
  const beganNs = clock.monotonicNs()
  const { kind } = await vm.run()
  const seconds = (clock.monotonicNs() - beganNs) / 1e9
  return { output, end: kind, seconds, instructions: vm.cpu.harts.reduce((sum, hart) => sum + Number(hart.retired), 0) }
}
