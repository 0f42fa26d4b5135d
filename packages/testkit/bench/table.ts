import type { MemoryUse } from './benchmark.ts'

/** Seconds of each round, and what is known of the guest's work. */
export interface Samples {
  readonly name: string
  readonly stresses: string
  readonly doppel: readonly number[]
  readonly qemu: readonly number[]
  /** Retired in one run; undefined when not known. */
  readonly instructions: number | undefined
  /** doppel's, in one run; undefined when not known. */
  readonly memory?: MemoryUse | undefined
}

/** One benchmark's outcome: medians in seconds, instructions per second in millions. */
export interface Comparison extends Samples {
  readonly doppelSeconds: number
  readonly qemuSeconds: number
  /** QEMU's time over doppel's: above 1, doppel is faster. */
  readonly ratio: number
  readonly doppelMips: number | undefined
  readonly qemuMips: number | undefined
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The mean of ratios: the n-th root of their product; NaN of nothing. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}

/** Medians, ratio and rates of one benchmark. */
export function compare(samples: Samples): Comparison {
  const doppelSeconds = median(samples.doppel)
  const qemuSeconds = median(samples.qemu)
  const { instructions } = samples
  const mips = (seconds: number): number | undefined =>
    instructions === undefined ? undefined : instructions / seconds / 1e6
  return {
    ...samples,
    doppelSeconds,
    qemuSeconds,
    ratio: qemuSeconds / doppelSeconds,
    doppelMips: mips(doppelSeconds),
    qemuMips: mips(qemuSeconds),
  }
}

const HEADING = ['name', 'stresses', 'doppel s', 'QEMU s', 'QEMU/doppel', 'instructions', 'doppel MIPS', 'QEMU MIPS']
/** Columns of words; the others are numbers, set to the right. */
const WORD_COLUMNS = 2

/** A Markdown table, readable as it is, with the geometric mean of the ratios below when there are several. */
export function table(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(c => [
    c.name,
    c.stresses,
    c.doppelSeconds.toFixed(2),
    c.qemuSeconds.toFixed(2),
    c.ratio.toFixed(2),
    c.instructions === undefined ? '' : `${(c.instructions / 1e6).toFixed(0)} M`,
    c.doppelMips?.toFixed(0) ?? '',
    c.qemuMips?.toFixed(0) ?? '',
  ])
  if (comparisons.length > 1) {
    rows.push(['', 'geometric mean', '', '', geometricMean(comparisons.map(c => c.ratio)).toFixed(2), '', '', ''])
  }
  const widths = HEADING.map((_, column) => Math.max(...[HEADING, ...rows].map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i < WORD_COLUMNS ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |\n`
  const rule = widths.map((width, i) => (i < WORD_COLUMNS ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [HEADING, rule, ...rows].map(line).join('')
}

/** One line for each benchmark whose memory is known: what doppel's process held, beside what the guest touched. */
export function memoryLines(comparisons: readonly Comparison[]): string {
  return comparisons
    .map(({ name, memory }) =>
      memory === undefined
        ? ''
        : `${name}: doppel held ${memory.residentMib} MiB at most; the guest touched ${memory.guestMib}, ` +
          `so ${memory.residentMib - memory.guestMib} are its own.\n`,
    )
    .join('')
}

/** What a second hart brought, where the same work was measured with one and with two; nothing where it was not. */
export function speedupLine(comparisons: readonly Comparison[]): string {
  const pairs = comparisons.flatMap(two => {
    const one = comparisons.find(({ name }) => name.endsWith('-1') && two.name === name.replace(/1$/, '2'))
    return one ? [[one, two] as const] : []
  })
  return pairs
    .map(([one, two]) => {
      const [doppel, qemu] = [one.doppelSeconds / two.doppelSeconds, one.qemuSeconds / two.qemuSeconds]
      return `${two.name}: two harts did ${doppel.toFixed(2)} times the work of one (QEMU: ${qemu.toFixed(2)}).\n`
    })
    .join('')
}
