/**
 * The doppel side of one kernel's run: `node --conditions=source run-kernel.ts FILE.elf translator|interpreter`.
 * Prints a `KernelRun` as JSON.
 */
import { readFileSync } from 'node:fs'
import { hostClock, hostEntropy, MIB } from '@doppel/base'
import { VirtMachine } from '@doppel/board'
import { createRiscvCpu, RISCV_ISA } from '@doppel/riscv'
import type { KernelRun } from './kernel-run.ts'

const [path = '', engine] = process.argv.slice(2)
let output = ''
const vm = new VirtMachine({
  cpus: 1,
  memoryBytes: 64 * MIB,
  createCpu: config => createRiscvCpu(config, engine === 'interpreter' ? { translateAfter: 0 } : {}),
  isa: RISCV_ISA,
  clock: hostClock(),
  entropy: hostEntropy,
  console: {
    write: bytes => {
      output += new TextDecoder().decode(bytes)
    },
    onInput: () => undefined,
  },
  boot: { elf: { name: path, bytes: new Uint8Array(readFileSync(path)) } },
})
const end = await vm.run()
const instructions = vm.cpu.harts.reduce((sum, hart) => sum + Number(hart.retired), 0)
process.stdout.write(JSON.stringify({ output, end: end.kind, instructions } satisfies KernelRun))
