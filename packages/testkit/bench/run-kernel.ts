/**
 * The doppel side of one kernel's run: `node --conditions=source run-kernel.ts FILE.elf translator|interpreter HARTS`;
 * more than one hart have threads of their own.
 * Prints a `KernelRun` as JSON.
 */
import { readFileSync } from 'node:fs'
import { hostClock, hostEntropy, MIB } from '@doppel/base'
import { VirtMachine } from '@doppel/board'
import { createRiscvCpu, RISCV_ISA, ThreadedCpu } from '@doppel/riscv'
import { hartThreads } from 'doppel/threads'
import type { KernelRun } from './kernel-run.ts'

const [path = '', engine, hartsText = '1'] = process.argv.slice(2)
const cpus = Number(hartsText)
let threads: ThreadedCpu | undefined
let output = ''
const vm = new VirtMachine({
  cpus,
  memoryBytes: 64 * MIB,
  createCpu: config => {
    const options = engine === 'interpreter' ? { translateAfter: 0 } : {}
    if (cpus === 1) return createRiscvCpu(config, options)
    return (threads = new ThreadedCpu(config, { ...options, ...hartThreads() }))
  },
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
threads?.close()
const instructions = vm.cpu.harts.reduce((sum, hart) => sum + Number(hart.retired), 0)
process.stdout.write(JSON.stringify({ output, end: end.kind, instructions } satisfies KernelRun))
