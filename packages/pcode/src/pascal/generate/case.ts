import type { CaseStatement } from '../analysis/checked.ts'
import type { Variable } from '../analysis/symbols.ts'
import type { Generator } from './generator.ts'
import { Row } from '../../rows/p5.ts'

/** A value of the selector and the arm that it leads to. */
interface Target {
  readonly value: number
  readonly label: number
}

/** A table may have so many targets, and so many for each that is no gap. */
const MAX_TABLE_TARGETS = 4096
const MAX_TARGETS_PER_VALUE = 8

/** A case-statement: tables where values lie close, comparisons between tables (ISO 7185 §6.8.3.5). */
export function emitCase(g: Generator, statement: CaseStatement): void {
  const { selector, arms } = statement
  const { frame } = g.unit
  const kept = frame.temporary('i')
  const fallback = g.label()
  const end = g.label()
  g.value(selector)
  g.op2('stri', 0, kept)
  const labels = arms.map(() => g.label())
  const sorted = arms
    .flatMap(({ values }, i) => values.map((value): Target => ({ value, label: labels[i] as number })))
    .sort((a, b) => a.value - b.value)
  emitSearch(g, clustersOf(sorted), kept, fallback)
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
  if (statement.otherwise) {
    g.statement(statement.otherwise)
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

/** Values that are close enough for one table. */
function clustersOf(sorted: readonly Target[]): readonly (readonly Target[])[] {
  const clusters: Target[][] = []
  for (const target of sorted) {
    const cluster = clusters.at(-1)
    const first = cluster?.[0]
    const span = first ? target.value - first.value + 1 : Infinity
    const isClose = span <= MAX_TABLE_TARGETS && span <= MAX_TARGETS_PER_VALUE * ((cluster?.length ?? 0) + 1)
    if (cluster && isClose) cluster.push(target)
    else clusters.push([target])
  }
  return clusters
}

function emitSearch(g: Generator, clusters: readonly (readonly Target[])[], kept: number, fallback: number): void {
  if (clusters.length > 1) {
    const middle = clusters.length >> 1
    const upper = g.label()
    g.op2('lodi', 0, kept)
    g.op('ldci', (clusters[middle] as readonly [Target])[0].value)
    g.op('geqi')
    g.jump('tjp', upper)
    emitSearch(g, clusters.slice(0, middle), kept, fallback)
    g.place(upper)
    emitSearch(g, clusters.slice(middle), kept, fallback)
    return
  }
  const cluster = clusters[0] ?? []
  if (cluster.length > 2) {
    emitTable(g, cluster, kept, fallback)
    return
  }
  for (const { value, label } of cluster) {
    g.op2('lodi', 0, kept)
    g.op('ldci', value)
    g.op('equi')
    g.jump('tjp', label)
  }
  g.jump('ujp', fallback)
}

function emitTable(g: Generator, cluster: readonly Target[], kept: number, fallback: number): void {
  const [{ value: low }] = cluster as readonly [Target]
  const targets: number[] = []
  for (const { value, label } of cluster) {
    while (targets.length < value - low) targets.push(fallback)
    targets.push(label)
  }
  g.op2('lodi', 0, kept)
  g.code.emit(Row.xjp, 0, g.tables.push({ code: g.code, low, targets, fallback }) - 1)
}
