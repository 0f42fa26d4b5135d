/** `npm run bench:pascal`: doppel's Pascal beside Free Pascal's native code, in one run. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DoppelError, hostClock } from '@doppel/base'
import { checkPascal, compilePascal } from '@doppel/pcode'
import { geometricMean } from './table.ts'

const DOPPEL = fileURLToPath(new URL('../../doppel/bin/doppel.js', import.meta.url))
const PROGRAMS = join(import.meta.dirname, 'pascal')
/** Runs of each program, in turn, of which the best counts. */
const ROUNDS = 3
/** Lines of the text whose compiling is timed. */
const COMPILED_LINES = 100_000
const HELLO = "program hello(output);\nbegin\n  writeln('hello')\nend.\n"

interface Result {
  readonly ms: number
  readonly output: string
}

function run(program: string, args: readonly string[]): Result {
  const clock = hostClock()
  const start = clock.monotonicNs()
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 24 })
  const ms = (clock.monotonicNs() - start) / 1e6
  if (done.status === 0) return { ms, output: done.stdout }
  throw new DoppelError(
    'bench.pascal',
    `${program} ${args.join(' ')}: ${done.error?.message ?? done.stderr}; Debian: fpc`,
  )
}

/** How each column's program is run, whole: its process, its compiling where it has any, its end. */
function columns(source: string, native: string): (() => Result)[] {
  const doppel = (...flags: string[]) => run(process.execPath, [DOPPEL, 'run', ...flags, source])
  return [() => run(native, []), () => doppel('--unchecked'), () => doppel()]
}

function row(name: string, folder: string): readonly number[] {
  const source = join(PROGRAMS, `${name}.pas`)
  const native = join(folder, name)
  run('fpc', ['-v0', '-Miso', '-O2', `-FU${folder}`, `-o${native}`, source])
  const machines = columns(source, native)
  const best = machines.map(() => Infinity)
  let expected: string | undefined
  for (let round = 0; round < ROUNDS; round++) {
    machines.forEach((machine, i) => {
      const { ms, output } = machine()
      expected ??= output
      if (output !== expected) throw new DoppelError('bench.pascal', `${name} wrote ${output}; expected ${expected}`)
      best[i] = Math.min(best[i] as number, ms)
    })
  }
  return best
}

/** Lines a second: the longest program's procedures, over and over under other names, checked and compiled. */
function compileSpeed(): readonly number[] {
  const procedure = (i: number): string =>
    `function f${i}(n: integer): integer;\nvar\n  i, sum: integer;\n  a: array [1..10] of integer;\nbegin\n  sum := 0;\n` +
    `  for i := 1 to 10 do begin\n    a[i] := i * n;\n    if odd(a[i]) then\n      sum := sum + a[i]\n    else\n` +
    `      sum := sum - a[i] div 2\n  end;\n  f${i} := sum\nend;\n\n`
  const one = procedure(0).split('\n').length - 1
  const count = Math.floor(COMPILED_LINES / one)
  const text = `program long(output);\n${Array.from({ length: count }, (_, i) => procedure(i)).join('')}begin\n  writeln(f0(3))\nend.\n`
  const lines = text.split('\n').length - 1
  const clock = hostClock()
  return [() => checkPascal(text), () => compilePascal(text)].map(compile => {
    const seconds = Array.from({ length: ROUNDS }, () => {
      const start = clock.monotonicNs()
      compile()
      return (clock.monotonicNs() - start) / 1e9
    })
    return lines / Math.min(...seconds)
  })
}

const folder = mkdtempSync(join(tmpdir(), 'doppel-bench-pascal-'))
try {
  const names = readdirSync(PROGRAMS)
    .filter(file => file.endsWith('.pas'))
    .map(file => file.slice(0, -'.pas'.length))
  const wanted = process.argv.slice(2)
  const rows = names
    .filter(name => wanted.length === 0 || wanted.includes(name))
    .map(name => ({ name, ms: row(name, folder) }))
  const out = [
    `${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}; whole processes, best of ${ROUNDS} runs:`,
    '',
  ]
  out.push(
    '| | fpc -O2 ms | unchecked ms | checked ms | unchecked / fpc | checked / fpc |',
    '| --- | --: | --: | --: | --: | --: |',
  )
  for (const { name, ms } of rows) {
    const ratios = ms.slice(1).map(x => x / (ms[0] as number))
    out.push(`| ${name} | ${[...ms.map(x => x.toFixed(0)), ...ratios.map(x => x.toFixed(2))].join(' | ')} |`)
  }
  const means = [1, 2].map(i => geometricMean(rows.map(({ ms }) => (ms[i] as number) / (ms[0] as number))))
  out.push('', `Geometric mean against fpc -O2: unchecked ${means[0]?.toFixed(2)}, checked ${means[1]?.toFixed(2)}`, '')
  const hello = join(folder, 'hello.pas')
  writeFileSync(hello, HELLO)
  const starts = Array.from({ length: ROUNDS }, () => run(process.execPath, [DOPPEL, 'run', hello]).ms)
  const node = Array.from({ length: ROUNDS }, () => run(process.execPath, ['-e', '0']).ms)
  const [checked = 0, compiled = 0] = compileSpeed()
  out.push(
    `Start to end of one writeln: ${Math.min(...starts).toFixed(0)} ms (Node alone ${Math.min(...node).toFixed(0)} ms)`,
  )
  out.push(`Lines a second: checked ${checked.toFixed(0)}, compiled ${compiled.toFixed(0)}`)
  process.stdout.write(`${out.join('\n')}\n`)
} finally {
  rmSync(folder, { recursive: true })
}
