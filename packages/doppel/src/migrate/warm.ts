import { hostClock, hostEntropy } from '@doppel/base'
import { VirtMachine } from '@doppel/board'
import { Console } from '@doppel/monitor'
import { createRiscvCpu, RISCV_ISA } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'

/** `1: addi a0, a0, 1; j 1b` */
const LOOP = Uint8Array.of(0x13, 0x05, 0x15, 0x00, 0x6f, 0xf0, 0xdf, 0xff)
const WARM_MS = 30

/**
 * Runs a program of two instructions for a moment, on a machine of the size of one that is to come: what all such machines
 * share is compiled then, while the one that comes still runs where it was.
 */
export async function warmUp({ cpus, memoryBytes }: Pick<RunOptions, 'cpus' | 'memoryBytes'>): Promise<void> {
  const vm = new VirtMachine({
    cpus,
    memoryBytes,
    createCpu: config => createRiscvCpu(config, {}),
    isa: RISCV_ISA,
    clock: hostClock(),
    entropy: hostEntropy,
    console: new Console(),
    boot: { kernel: { name: 'warm-up', bytes: LOOP } },
  })
  setTimeout(() => vm.stop(), WARM_MS)
  await vm.run()
}
