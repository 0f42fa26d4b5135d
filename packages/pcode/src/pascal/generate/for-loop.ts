import type { ForStatement } from '../analysis/checked.ts'
import type { OrdinalType } from '../analysis/types.ts'
import { emitRange } from './calls.ts'
import type { Generator } from './generator.ts'
import { noValueOf, storageOf } from './storage.ts'

/**
 * A for-statement (ISO 7185 §6.8.3.9): bounds are evaluated once; the variable is never stepped beyond the last value,
 * which may be maxint.
 */
export function emitFor(g: Generator, loop: ForStatement): void {
  const { variable, from, to, isDown, body } = loop
  const type = variable.type as OrdinalType
  const at = g.locate(variable)
  const storage = storageOf(type)
  const { frame } = g.unit
  const isKnown = from.op === 'ordinal' && to.op === 'ordinal'
  if (isKnown && (isDown ? from.value < to.value : from.value > to.value)) return
  const end = g.label()
  const again = g.label()
  const last = to.op === 'ordinal' ? undefined : frame.temporary('i')
  const first = from.op === 'ordinal' ? undefined : frame.temporary('i')
  // In this order, as the standard’s own expansion has it: temp1 := e1; temp2 := e2; if temp1 <= temp2 …
  if (first !== undefined) {
    g.value(from)
    g.op2('stri', 0, first)
  }
  if (last !== undefined) {
    g.value(to)
    g.op2('stri', 0, last)
  }
  const pushFirst = (): void => (first === undefined ? g.value(from) : g.op2('lodi', 0, first))
  const pushLast = (): void => (last === undefined ? g.value(to) : g.op2('lodi', 0, last))
  if (!isKnown) {
    pushFirst()
    pushLast()
    g.op(isDown ? 'geqi' : 'leqi')
    g.jump('fjp', end)
  }
  pushFirst()
  emitRange(g, from, type)
  if (last !== undefined && g.options.checks && (to.low < type.low || to.high > type.high)) {
    pushLast()
    g.op2('chki', type.low, type.high)
    g.op2('stri', 0, last)
  }
  g.store(at, storage)
  g.place(again)
  const mark = g.definite.mark()
  g.definite.add(variable)
  g.statement(body)
  g.definite.undo(Math.min(mark, g.definite.mark()))
  g.line(loop.pos)
  g.load(at, storage)
  pushLast()
  g.op('equi')
  g.jump('tjp', end)
  g.load(at, storage)
  g.op(isDown ? 'deca' : 'inca', 1)
  g.store(at, storage)
  g.jump('ujp', again)
  g.place(end)
  const none = noValueOf(variable)
  if (g.options.undefined && none !== undefined) {
    // Its value is undefined after the statement (§6.8.3.9).
    g.op('ldci', none)
    g.store(at, storage)
    g.definite.forget(variable)
  }
  for (const offset of [first, last]) if (offset !== undefined) frame.release('i', offset)
}
