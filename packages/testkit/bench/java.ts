/** `npm run bench:java`: doppel's Java machine beside Debian's OpenJDK 17, in one run. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DoppelError, hostClock } from '@doppel/base'
import { geometricMean } from './table.ts'

const DOPPEL = fileURLToPath(new URL('../../doppel/bin/doppel.js', import.meta.url))
const SOURCE = join(import.meta.dirname, 'java', 'Kernels.java')
/** Size of the kernels and rounds of each, the best of which counts: steady state. */
const SIZE = '20000'
const ROUNDS = '40'
/** Runs of the start-up rows, the best of which counts. */
const STARTS = 3

/** How each machine is started; doppel’s arguments are `java`'s. */
const MACHINES: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['C2', ['java']],
  ['C1', ['java', '-XX:TieredStopAtLevel=1']],
  ['-Xint', ['java', '-Xint']],
  ['doppel', [process.execPath, DOPPEL, 'java']],
]

interface Row {
  readonly name: string
  /** Milliseconds by machine. */
  readonly ms: readonly number[]
}

function run(command: readonly string[], args: readonly string[], cache?: string): string {
  const [program = '', ...first] = command
  const env = { ...process.env, ...(cache !== undefined && { XDG_CACHE_HOME: cache }) }
  const done = spawnSync(program, [...first, ...args], { encoding: 'utf8', maxBuffer: 1 << 24, env })
  if (done.status === 0) return done.stdout
  const why = done.error?.message ?? done.stderr
  throw new DoppelError('bench.java', `${program} ${args.join(' ')}: ${why}; Debian: openjdk-17-jdk-headless`)
}

/** Nanoseconds and checksum of each kernel. */
function kernels(command: readonly string[], folder: string): Map<string, readonly [ns: number, check: string]> {
  const lines = run(command, ['-cp', folder, 'Kernels', SIZE, ROUNDS]).trim().split('\n')
  return new Map(lines.map(line => line.split(' ')).map(([name = '', ns, check = '']) => [name, [Number(ns), check]]))
}

function kernelRows(folder: string): Row[] {
  const results = MACHINES.map(([, command]) => kernels(command, folder))
  const [reference] = results
  return [...(reference ?? [])].map(([name, [, check]]) => {
    const ms = results.map(result => {
      const [ns, found] = result.get(name) ?? [Number.NaN, '']
      if (found !== check) throw new DoppelError('bench.java', `${name}: checksum ${found}; expected ${check}`)
      return ns / 1e6
    })
    return { name, ms }
  })
}

/** Starting and ending a program: `cold` with an empty cache each time, else after a run that has filled it. */
function startRow(name: string, args: readonly string[], cold: boolean): Row {
  const clock = hostClock()
  const ms = MACHINES.map(([, command]) => {
    const filled = mkdtempSync(join(folder, 'cache-'))
    if (!cold) run(command, args, filled)
    const times = Array.from({ length: STARTS }, () => {
      const cache = cold ? mkdtempSync(join(folder, 'cache-')) : filled
      const start = clock.monotonicNs()
      run(command, args, cache)
      return (clock.monotonicNs() - start) / 1e6
    })
    return Math.min(...times)
  })
  return { name, ms }
}

function table(rows: readonly Row[]): string {
  const names = MACHINES.map(([name]) => name)
  const heading = ['', ...names.map(name => `${name} ms`), ...names.slice(1).map(name => `${name} / C2`)]
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const ratios = (ms: readonly number[]): number[] => ms.slice(1).map(x => x / (ms[0] as number))
  const body = rows.map(({ name, ms }) =>
    line([name, ...ms.map(x => x.toFixed(2)), ...ratios(ms).map(x => x.toFixed(2))]),
  )
  return [line(heading), line(heading.map((_, i) => (i === 0 ? '---' : '--:'))), ...body].join('\n')
}

const folder = mkdtempSync(join(tmpdir(), 'doppel-bench-java-'))
try {
  run(['javac'], ['-d', folder, SOURCE])
  const hello = join(folder, 'Hello.java')
  writeFileSync(hello, 'public class Hello { public static void main(String[] a) { System.out.println("Hello"); } }')
  run(['javac'], ['-d', folder, hello])
  const rows = kernelRows(folder)
  const means = MACHINES.slice(1).map(([name], i) => {
    const mean = geometricMean(rows.map(({ ms }) => (ms[i + 1] as number) / (ms[0] as number)))
    return `${name} ${mean.toFixed(2)}`
  })
  const javac = ['com.sun.tools.javac.Main', '-d', folder, hello]
  const starts = [
    startRow('Hello World, nothing cached', ['-cp', folder, 'Hello'], true),
    startRow('Hello World, again', ['-cp', folder, 'Hello'], false),
    startRow('javac on one class, nothing cached', javac, true),
    startRow('javac on one class, again', javac, false),
  ]
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}; kernels, best of ${ROUNDS} rounds:\n\n`,
  )
  process.stdout.write(`${table(rows)}\n\nGeometric mean against C2: ${means.join(', ')}\n\n${table(starts)}\n`)
} finally {
  rmSync(folder, { recursive: true })
}
