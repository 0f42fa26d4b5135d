/**
 * The doppel side of one kernel's run: `node --conditions=source run-kernel.ts FILE.elf translator|interpreter HARTS`;
 * more than one hart have threads of their own.
 * Prints a `KernelRun` as JSON.
 */
import { readFileSync } from 'node:fs'
import { createRiscvCpu, ThreadedCpu } from '@doppel/riscv'
import { hartThreads } from 'doppel/threads'
import { runKernel } from './kernel-machine.ts'

const [path = '', engine, hartsText = '1'] = process.argv.slice(2)
const cpus = Number(hartsText)
let threads: ThreadedCpu | undefined
const run = await runKernel({ name: path, bytes: new Uint8Array(readFileSync(path)) }, cpus, config => {
  const options = engine === 'interpreter' ? { translateAfter: 0 } : {}
  if (cpus === 1) return createRiscvCpu(config, options)
  return (threads = new ThreadedCpu(config, { ...options, ...hartThreads() }))
})
threads?.close()
process.stdout.write(JSON.stringify(run))
