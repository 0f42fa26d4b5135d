/** `npm run bench`: doppel beside Debian's QEMU, in one run. See docs/benchmarks.md. */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DoppelError, hostClock } from '@doppel/base'
import type { Benchmark } from './benchmark.ts'
import { bootBenchmarks } from './boot.ts'
import { KERNELS, kernelBenchmarks, SHARED_KERNEL } from './kernels.ts'
import { type BenchOptions, parseOptions, USAGE } from './options.ts'
import { programBenchmark } from './programs.ts'
import { runInTurn } from './run-in-turn.ts'
import { type Comparison, compare, memoryLines, speedupLine, table } from './table.ts'
import { CROSS_COMPILER, QEMU, toolVersion } from './tools.ts'

const note = (text: string): void => void process.stderr.write(`${text}\n`)

async function bench(options: BenchOptions, benchmarks: readonly Benchmark[]): Promise<void> {
  const qemu = toolVersion(QEMU)
  const chosen = benchmarks.filter(({ name }) => options.names.length === 0 || options.names.includes(name))
  if (
    chosen.some(({ name }) =>
      [SHARED_KERNEL, ...KERNELS.map(([kernel]) => kernel)].some(kernel => name.startsWith(kernel)),
    )
  )
    toolVersion(CROSS_COMPILER)
  const folder = await mkdtemp(join(tmpdir(), 'doppel-bench-'))
  const comparisons: Comparison[] = []
  try {
    for (const benchmark of chosen) {
      const skipped = await benchmark.prepare(folder)
      if (skipped === undefined) comparisons.push(compare(await runInTurn(benchmark, options.rounds, note)))
      else note(`${benchmark.name}: skipped, ${skipped}`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  const { rounds, engine, paging } = options
  const date = new Date(Number(hostClock().realtimeNs() / 1_000_000n)).toISOString().slice(0, 10)
  const host = { cpu: cpus()[0]?.model ?? 'unknown', node: process.version, qemu }
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ date, host, rounds, engine, paging, results: comparisons }, null, 2)}\n`)
    return
  }
  const how = `${engine}, kernels ${paging ? 'in S-mode under Sv39' : 'in M-mode'}, medians of ${rounds}`
  const memory = memoryLines(comparisons)
  const lines = `${speedupLine(comparisons)}${memory}`
  const text = `${table(comparisons)}${lines === '' ? '' : `\n${lines}`}`
  process.stdout.write(`${date}, ${host.cpu}, Node ${host.node}, ${qemu}; ${how}:\n\n${text}`)
}

function allBenchmarks(options: Pick<BenchOptions, 'engine' | 'paging'>): Benchmark[] {
  return [...bootBenchmarks(options), programBenchmark(), ...kernelBenchmarks(options)]
}

try {
  const known = allBenchmarks({ engine: 'translator', paging: true })
  const options = parseOptions(
    process.argv.slice(2),
    known.map(({ name }) => name),
  )
  if (options.help) {
    const rows = known.map(({ name, stresses }) => `  ${name.padEnd(20)}  ${stresses}\n`)
    process.stdout.write(`${USAGE}\nBenchmarks:\n${rows.join('')}`)
  } else {
    await bench(options, allBenchmarks(options))
  }
} catch (error) {
  if (!(error instanceof DoppelError)) throw error
  note(`bench: ${error.message} [${error.code}]`)
  process.exitCode = 1
}
