import type { LabelNode } from '../syntax/tree.ts'
import type { Context } from './context.ts'
import type { Label, Region, Routine } from './symbols.ts'

/** The label that a goto names: of this block or one around. */
export function findLabel(c: Context, node: LabelNode): Label | undefined {
  for (let routine: Routine | undefined = c.routine; routine !== undefined; routine = routine.parent) {
    const label = routine.labels.get(node.value)
    if (label) return label
  }
  if (node.value >= 0) c.report('label-undeclared', node, node.value)
  return undefined
}

/** Puts a label before a statement; it must be this block’s, and stand before one statement (ISO 7185 §6.8.1). */
export function placeLabel(c: Context, node: LabelNode, region: Region): Label | undefined {
  const label = c.routine.labels.get(node.value)
  if (label === undefined) {
    if (node.value >= 0) c.report('label-undeclared', node, node.value)
    return undefined
  }
  if (label.isPlaced) {
    c.report('label-twice', node, node.value)
    return undefined
  }
  label.isPlaced = true
  label.region = region
  return label
}

/** Declares the labels of a block (§6.2.1). */
export function declareLabels(c: Context, nodes: readonly LabelNode[]): void {
  for (const node of nodes) {
    const earlier = c.routine.labels.get(node.value)
    if (earlier) {
      c.report('redeclared', node, `the label ${node.value}`, c.sources.locate(earlier.span.pos).line)
      continue
    }
    const { value } = node
    const label: Label = { value, owner: c.routine, span: node, region: undefined, isPlaced: false, isNonLocal: false }
    if (value >= 0) c.routine.labels.set(value, label)
  }
}

/** At the end of a block: its labels stand somewhere, and gotos reach them. `body` is its statement-sequence. */
export function checkLabels(c: Context, body: Region): void {
  for (const label of c.routine.labels.values()) {
    if (!label.isPlaced) c.reportAbsence('label-unused', label.span, label.value)
  }
  c.gotos = c.gotos.filter(({ label, region, span, owner }) => {
    if (label.owner !== c.routine) return true
    // From an inner block only the outermost sequence of this one is in reach (§6.8.1, c).
    const reaches = owner === c.routine ? contains(label.region, region) : label.region === body
    if (label.isPlaced && !reaches) c.report('goto-reach', span, label.value)
    return false
  })
}

function contains(outer: Region | undefined, inner: Region | undefined): boolean {
  for (let region = inner; region !== undefined; region = region.parent) if (region === outer) return true
  return false
}
