import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { Benchmark, Emulator, Measurement } from './benchmark.ts'
import { type Command, timedRun } from './child.ts'
import type { KernelRun } from './kernel-run.ts'
import type { BenchOptions } from './options.ts'
import { CROSS_COMPILER, QEMU } from './tools.ts'

/** One row is one kernel: kernels/NAME.c, and what it stresses. */
export const KERNELS: readonly (readonly [name: string, stresses: string])[] = [
  ['integer', 'CRC, hash, 16-bit matrix, text scanner'],
  ['stream', 'memory in order, strides 1 to 64'],
  ['chase', 'dependent loads over 2048 and 64 pages'],
  ['calls', 'recursion, indirect calls'],
  ['sort', 'quick, heap and merge sort'],
  ['bytecode', 'switch in a loop'],
  ['double', 'double precision: bodies, matrix'],
  ['single', 'single precision: transform, filters'],
  ['muldiv', '64-bit multiplication and division'],
  ['atomics', 'AMO, LR/SC, fences'],
  ['jit', 'code written, run and patched'],
]

/** A kernel that any number of harts share, and the numbers that it is run with; two have threads of their own everywhere. */
export const SHARED_KERNEL = 'halves'
const SHARED_HARTS = [1, 2] as const

/** Debian's gcc 12 has multilibs for plain rv64gc, which in the older ISA specification includes the CSR instructions. */
const TARGET_FLAGS = '-march=rv64gc -misa-spec=2.2 -mabi=lp64d -mcmodel=medany -nostdlib -ffreestanding'
/** Loops that copy stay loops: a call of run.c's memcpy would measure that instead. */
const CODE_FLAGS = '-O2 -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror'
const SOURCES = join(import.meta.dirname, 'kernels')
const RUN_KERNEL = join(import.meta.dirname, 'run-kernel.ts')
/** Shorter than what a clock and a scheduler can tell apart. */
const LEAST_SECONDS = 0.001

/** The kernels, each to be compiled to a bare-metal program. */
export function kernelBenchmarks(options: Pick<BenchOptions, 'engine' | 'paging'>): Benchmark[] {
  const alone = KERNELS.map(([name, stresses]) => ({ name, source: name, stresses, harts: 1 }))
  const shared = SHARED_HARTS.map(harts => ({
    name: `${SHARED_KERNEL}-${harts}`,
    source: SHARED_KERNEL,
    stresses: harts === 1 ? 'small matrices, by one hart' : `the same, shared by ${harts} harts on threads`,
    harts,
  }))
  return [...alone, ...shared].map(({ name, source, stresses, harts }) => {
    let program: string
    let nothing: string
    return {
      name,
      stresses,
      prepare: async folder => {
        program = await compileKernel(source, folder, options.paging)
        nothing = await compileKernel('null', folder, options.paging)
        return undefined
      },
      run: async emulator => {
        // What starting and ending the process and the machine costs, at this very moment, is not counted.
        const idle = await runProgram(emulator, nothing, options.engine, harts)
        const whole = await runProgram(emulator, program, options.engine, harts)
        return { ...whole, seconds: Math.max(whole.seconds - idle.seconds, LEAST_SECONDS) }
      },
    }
  })
}

/** The ELF file made of a kernel. Throws `bench.run` when it does not compile. */
export async function compileKernel(name: string, folder: string, paging: boolean): Promise<string> {
  const program = join(folder, `${name}.elf`)
  const files = ['start.S', 'run.c', `${name}.c`].map(file => join(SOURCES, file))
  const link = ['-T', join(SOURCES, 'link.ld'), `-DPAGING=${paging ? 1 : 0}`, '-o', program]
  await timedRun({
    program: CROSS_COMPILER,
    args: [...TARGET_FLAGS.split(' '), ...CODE_FLAGS.split(' '), ...link, ...files],
  })
  return program
}

async function runProgram(
  emulator: Emulator,
  elf: string,
  engine: BenchOptions['engine'],
  harts: number,
): Promise<Measurement> {
  if (emulator === 'qemu') {
    const { seconds, stdout } = await timedRun(qemuCommand(elf, harts))
    return { seconds, checksum: checksum(stdout, elf) }
  }
  const { wholeSeconds, output, instructions } = await runInNode(elf, engine, harts)
  return { seconds: wholeSeconds, checksum: checksum(output, elf), instructions }
}

/** Runs a kernel's program in a process of its own, whose time from its creation to its end comes with what it reports. */
export async function runInNode(
  elf: string,
  engine: BenchOptions['engine'],
  harts: number,
): Promise<KernelRun & { readonly wholeSeconds: number }> {
  const { seconds, stdout } = await timedRun({
    program: process.execPath,
    args: ['--conditions=source', RUN_KERNEL, elf, engine, String(harts)],
  })
  const run = JSON.parse(stdout) as KernelRun
  if (run.end !== 'poweroff') throw new DoppelError('bench.run', `${elf} ended doppel with '${run.end}'`, { run })
  return { ...run, wholeSeconds: seconds }
}

function qemuCommand(elf: string, harts: number): Command {
  const thread = harts === 1 ? 'single' : 'multi'
  const flags = `-M virt -m 64 -smp ${harts} -accel tcg,thread=${thread} -bios none -nodefaults -display none -serial stdio -kernel`
  return { program: QEMU, args: [...flags.split(' '), elf] }
}

function checksum(output: string, elf: string): string {
  const found = /^([0-9a-f]{16})\n$/.exec(output)?.[1]
  if (found !== undefined) return found
  throw new DoppelError('bench.output', `${elf} printed ${JSON.stringify(output)}; expected a checksum`, { output })
}
