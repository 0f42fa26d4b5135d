import { type CodeNames, countBefore, hex } from '@doppel/base'

/** Code that has run: where blocks begin, and how many bytes they have. */
export type RanBlocks = ReadonlyMap<bigint, number>

interface FileLines {
  /** Whether a line's code has run. */
  readonly lines: Map<number, boolean>
  readonly functions: Map<string, { readonly line: number; readonly hasRun: boolean }>
}

/** Ranges of addresses, joined where they touch, by ascending address. */
class RanCode {
  readonly #starts: BigUint64Array
  readonly #ends: BigUint64Array

  constructor(blocks: RanBlocks) {
    const sorted = [...blocks].sort(([a], [b]) => (a < b ? -1 : 1))
    const joined: [start: bigint, end: bigint][] = []
    for (const [start, lengthBytes] of sorted) {
      const end = start + BigInt(lengthBytes)
      const last = joined.at(-1)
      if (last && start <= last[1]) last[1] = end > last[1] ? end : last[1]
      else joined.push([start, end])
    }
    this.#starts = BigUint64Array.from(joined, ([start]) => start)
    this.#ends = BigUint64Array.from(joined, ([, end]) => end)
  }
  /** Whether any of the code from `start` to before `end` has run. */
  has(start: bigint, end: bigint): boolean {
    const next = countBefore(this.#ends, each => each <= start)
    return next < this.#starts.length && (this.#starts[next] as bigint) < end
  }
}

/** Coverage by lines and functions as lcov's tracefiles have it (geninfo(1)), a count being 1 or 0; undefined without line tables. */
export function lcovReport(blocks: RanBlocks, names: CodeNames): string | undefined {
  if (names.lines.length === 0) return undefined
  const ran = new RanCode(blocks)
  const files = new Map<string, FileLines>()
  const fileOf = (name: string): FileLines => {
    let found = files.get(name)
    if (!found) files.set(name, (found = { lines: new Map(), functions: new Map() }))
    return found
  }
  for (const table of names.lines) {
    for (const { start, end, file, line } of table.ranges()) {
      const { lines } = fileOf(file)
      lines.set(line, lines.get(line) === true || ran.has(start, end))
    }
  }
  for (const symbol of names.symbols.symbols) {
    const at = symbol.isCode && symbol.sizeBytes > 0n ? names.line(symbol.address) : undefined
    if (at) {
      const hasRun = ran.has(symbol.address, symbol.address + 1n)
      fileOf(at.file).functions.set(symbol.name, { line: at.line, hasRun })
    }
  }
  return `TN:\n${[...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, file]) => fileReport(name, file))
    .join('')}`
}

function fileReport(name: string, { lines, functions }: FileLines): string {
  const sorted = [...lines].sort(([a], [b]) => a - b)
  const hit = (all: Iterable<boolean>): number => [...all].filter(Boolean).length
  return [
    `SF:${name}`,
    ...[...functions].map(([symbol, { line }]) => `FN:${line},${symbol}`),
    ...[...functions].map(([symbol, { hasRun }]) => `FNDA:${Number(hasRun)},${symbol}`),
    `FNF:${functions.size}`,
    `FNH:${hit([...functions.values()].map(({ hasRun }) => hasRun))}`,
    ...sorted.map(([line, hasRun]) => `DA:${line},${Number(hasRun)}`),
    `LF:${lines.size}`,
    `LH:${hit(lines.values())}`,
    'end_of_record\n',
  ].join('\n')
}

/** The blocks that have run, one a line: address, bytes, place. */
export function blockReport(blocks: RanBlocks, names: CodeNames): string {
  const line = ([start, lengthBytes]: readonly [bigint, number]): string =>
    `${hex(start)} ${lengthBytes} ${names.text(start) ?? '-'}\n`
  return [...blocks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(line)
    .join('')
}
