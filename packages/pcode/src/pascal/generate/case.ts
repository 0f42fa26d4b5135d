import type { CaseStatement } from '../analysis/checked.ts'
import type { Variable } from '../analysis/symbols.ts'
import type { Generator } from './generator.ts'
import { Row } from '../../rows/p5.ts'

/** Values of a selector that lead to one arm. */
interface Range {
  readonly low: number
  readonly high: number
  readonly label: number
}

/** A table may have so many targets, and so many for each that is no gap. */
const MAX_TABLE_TARGETS = 4096
const MAX_TARGETS_PER_RANGE = 8

/** A case-statement: tables where values lie close, comparisons between tables (ISO 7185 §6.8.3.5). */
export function emitCase(g: Generator, statement: CaseStatement): void {
  const { selector, arms, otherwise } = statement
  const { frame } = g.unit
  const kept = frame.temporary('i')
  const fallback = g.label()
  const end = g.label()
  g.value(selector)
  g.op2('stri', 0, kept)
  const labels = arms.map(() => g.label())
  const ranges = arms
    .flatMap(({ ranges: own }, i) => own.map(([low, high]): Range => ({ low, high, label: labels[i] as number })))
    .sort((a, b) => a.low - b.low)
  emitSearch(g, clustersOf(ranges), kept, fallback)
  const mark = g.definite.mark()
  const learned: (readonly Variable[])[] = []
  const settle = (): void => void learned.push(g.definite.undo(Math.min(mark, g.definite.mark())))
  arms.forEach(({ body }, i) => {
    g.place(labels[i] as number)
    g.statement(body)
    settle()
    g.jump('ujp', end)
  })
  g.place(fallback)
  if (otherwise) {
    g.statement(otherwise)
    settle()
  } else {
    g.line(statement.pos)
    g.op2('lodi', 0, kept)
    g.op('csv')
  }
  g.place(end)
  g.definite.join(learned)
  frame.release('i', kept)
}

/** Ranges that are close enough for one table. */
function clustersOf(ranges: readonly Range[]): readonly (readonly Range[])[] {
  const clusters: Range[][] = []
  for (const range of ranges) {
    const cluster = clusters.at(-1)
    const first = cluster?.[0]
    const span = first ? range.high - first.low + 1 : Infinity
    if (cluster && span <= MAX_TABLE_TARGETS && span <= MAX_TARGETS_PER_RANGE * (cluster.length + 1))
      cluster.push(range)
    else clusters.push([range])
  }
  return clusters
}

function emitSearch(g: Generator, clusters: readonly (readonly Range[])[], kept: number, fallback: number): void {
  if (clusters.length > 1) {
    const middle = clusters.length >> 1
    const upper = g.label()
    g.op2('lodi', 0, kept)
    g.op('ldci', (clusters[middle] as readonly [Range])[0].low)
    g.op('geqi')
    g.jump('tjp', upper)
    emitSearch(g, clusters.slice(0, middle), kept, fallback)
    g.place(upper)
    emitSearch(g, clusters.slice(middle), kept, fallback)
    return
  }
  const [cluster] = clusters
  const first = cluster?.[0]
  if (cluster && first && cluster.length > 2) emitTable(g, cluster, kept, fallback)
  else {
    for (const range of cluster ?? []) emitTest(g, range, kept)
    g.jump('ujp', fallback)
  }
}

function emitTest(g: Generator, { low, high, label }: Range, kept: number): void {
  const past = g.label()
  g.op2('lodi', 0, kept)
  g.op('ldci', low)
  if (low === high) {
    g.op('equi')
    g.jump('tjp', label)
    g.place(past)
    return
  }
  g.op('geqi')
  g.jump('fjp', past)
  g.op2('lodi', 0, kept)
  g.op('ldci', high)
  g.op('leqi')
  g.jump('tjp', label)
  g.place(past)
}

function emitTable(g: Generator, cluster: readonly Range[], kept: number, fallback: number): void {
  const [{ low }] = cluster as readonly [Range]
  const targets: number[] = []
  for (const range of cluster) {
    while (targets.length < range.low - low) targets.push(fallback)
    while (targets.length <= range.high - low) targets.push(range.label)
  }
  g.op2('lodi', 0, kept)
  g.code.emit(Row.xjp, 0, g.tables.push({ code: g.code, low, targets, fallback }) - 1)
}
