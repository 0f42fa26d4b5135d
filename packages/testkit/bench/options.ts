import { parseArgs } from 'node:util'
import { DoppelError } from '@doppel/base'

/** What one call of the bench is to measure, and how. */
export interface BenchOptions {
  /** Benchmarks by name, in this order; all when empty. */
  readonly names: readonly string[]
  readonly rounds: number
  readonly engine: 'translator' | 'interpreter'
  /** Kernels run in S-mode under Sv39, rather than in M-mode with physical addresses. */
  readonly paging: boolean
  readonly json: boolean
  readonly help: boolean
}

const MAX_ROUNDS = 1000

/** What `--help` prints above the list of benchmarks. */
export const USAGE = `usage: npm run bench [-- [NAME…] [--rounds N] [--engine interpreter] [--no-paging] [--json]]

Runs benchmarks in doppel and in qemu-system-riscv64, in turn, and prints their times and ratios.
  --rounds N            runs of each benchmark in each emulator; the median counts (3)
  --engine ENGINE       doppel's: translator (the default) or interpreter
  --no-paging           runs kernels in M-mode with physical addresses, not in S-mode under Sv39
  --json                prints JSON, and nothing else on standard output
`

/** Reads the command line. Throws `bench.option` for one that cannot be meant. */
export function parseOptions(argv: readonly string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parse(argv)
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new DoppelError('bench.option', `--rounds ${values.rounds}: expected a number from 1 to ${MAX_ROUNDS}`)
  }
  const { engine } = values
  if (engine !== 'translator' && engine !== 'interpreter') {
    throw new DoppelError('bench.option', `--engine ${engine}: expected translator or interpreter`)
  }
  const unknown = positionals.find(name => !known.includes(name))
  if (unknown !== undefined) {
    throw new DoppelError('bench.option', `there is no benchmark '${unknown}'; expected some of ${known.join(', ')}`)
  }
  const { paging, json, help } = values
  return { names: [...new Set(positionals)], rounds, engine, paging, json, help }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      // A second `--`, for npm, may separate names from flags.
      args: argv.filter(word => word !== '--'),
      options: {
        rounds: { type: 'string', default: '3' },
        engine: { type: 'string', default: 'translator' },
        paging: { type: 'boolean', default: true },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
      allowNegative: true,
    })
  } catch (error) {
    throw new DoppelError('bench.option', error instanceof Error ? error.message : String(error), {}, error)
  }
}
