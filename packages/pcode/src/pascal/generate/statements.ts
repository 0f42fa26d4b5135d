import type { CheckedStatement, Place, Value } from '../analysis/checked.ts'
import type { Label } from '../analysis/symbols.ts'
import { emitAs, emitCall, emitSizedCopy } from './calls.ts'
import { emitCase } from './case.ts'
import type { Generator, Reached } from './generator.ts'
import { emitFile, endTransfer, emitRead, emitWrite } from './input-output.ts'
import { emitFor } from './for-loop.ts'
import { emitDispose, emitNew, emitTransfer } from './heap.ts'
import { isReference, pushBytes } from './reach.ts'
import { beginReference, checkWhole } from './references.ts'
import { isScalar, sizeOf, storageOf } from './storage.ts'
import { tagChecks } from './tags.ts'
import { emitJump, emitStandard } from './values.ts'

/** Writes a statement’s code. */
export function emitStatement(g: Generator, statement: CheckedStatement): void {
  if (statement.label) {
    // Whatever leads here may not have run what stands before.
    g.definite.clear()
    g.place(g.labelOf(statement.label))
  }
  if ('pos' in statement) g.line(statement.pos)
  switch (statement.op) {
    case 'sequence':
      for (const inner of statement.body) g.statement(inner)
      break
    case 'assign':
      emitAssignment(g, statement.place, statement.value)
      break
    case 'call':
      emitCall(g, statement.call, statement.pos)
      for (const actual of statement.call.args) if (actual.kind === 'variable') learn(g, actual.place)
      break
    case 'if':
      emitIf(g, statement)
      break
    case 'while':
      emitWhile(g, statement.condition, statement.body)
      break
    case 'repeat': {
      const again = g.label()
      g.place(again)
      for (const inner of statement.body) g.statement(inner)
      g.line(statement.pos)
      emitJump(g, statement.condition, false, again)
      break
    }
    case 'for':
      emitFor(g, statement)
      break
    case 'case':
      emitCase(g, statement)
      break
    case 'with':
      emitWith(g, statement)
      break
    case 'goto':
      emitGoto(g, statement.target)
      break
    case 'standard':
      emitStandard(g, { ...statement, roomBytes: 0 })
      if (statement.isLenient !== undefined) endTransfer(g)
      break
    case 'read':
      emitRead(g, statement)
      endTransfer(g)
      for (const place of statement.targets) learn(g, place)
      break
    case 'write':
      emitWrite(g, statement)
      endTransfer(g)
      break
    case 'file':
      emitFile(g, statement)
      endTransfer(g)
      break
    case 'new':
      emitNew(g, statement.pointer as Place, statement.tags)
      learn(g, statement.pointer as Place)
      break
    case 'dispose':
      emitDispose(g, statement.pointer as Value, statement.tags)
      break
    case 'pack':
    case 'unpack':
      emitTransfer(g, statement)
      break
    case 'empty':
      break
  }
}

/** From here on a variable has a value. */
function learn(g: Generator, place: Place): void {
  if (place.at === 'variable') g.definite.add(place.variable)
}

function emitAssignment(g: Generator, place: Place, value: Value): void {
  const { type } = place
  const at = g.reach(place)
  if (!isScalar(type)) {
    g.address(at)
    checkWhole(g, place)
    g.value(value)
    if (emitSizedCopy(g, type)) return
    if (type.kind === 'conformant') {
      pushBytes(g, type)
      g.op('mvv')
    } else {
      g.op('mov', sizeOf(type).bytes)
    }
    return
  }
  const tag = place.at === 'field' && g.options.checks ? tagChecks(g, place) : undefined
  if (tag) {
    g.address(at)
    emitAs(g, value, type, place.isPackedComponent)
    tag()
    g.op(`sto${storageOf(type, place.isPackedComponent)}`)
    return
  }
  g.settle(at)
  emitAs(g, value, type, place.isPackedComponent)
  g.store(at, storageOf(type, place.isPackedComponent))
  learn(g, place)
}

function emitIf(g: Generator, statement: CheckedStatement & { readonly op: 'if' }): void {
  const { condition, whenTrue, whenFalse } = statement
  const otherwise = g.label()
  emitJump(g, condition, false, otherwise)
  const mark = g.definite.mark()
  g.statement(whenTrue)
  const first = g.definite.undo(Math.min(mark, g.definite.mark()))
  if (whenFalse === undefined) {
    g.place(otherwise)
    return
  }
  const end = g.label()
  g.jump('ujp', end)
  g.place(otherwise)
  g.statement(whenFalse)
  const second = g.definite.undo(Math.min(mark, g.definite.mark()))
  g.place(end)
  g.definite.join([first, second])
}

/** The condition is tested before the loop and again at its end, so that each turn jumps once. */
function emitWhile(g: Generator, condition: Value, body: CheckedStatement): void {
  const again = g.label()
  const end = g.label()
  g.place(again)
  emitJump(g, condition, false, end)
  const mark = g.definite.mark()
  g.statement(body)
  g.definite.undo(Math.min(mark, g.definite.mark()))
  g.jump('ujp', again)
  g.place(end)
}

/** A record whose address is known costs nothing; another one’s is kept for the statement (§6.8.3.10). */
function emitWith(g: Generator, statement: CheckedStatement & { readonly op: 'with' }): void {
  const kept: number[] = []
  const ends: (() => void)[] = []
  for (const opened of statement.records) {
    if (isFixed(opened.place)) continue
    const end = beginReference(g, opened.place)
    if (end) ends.push(end)
    const at: Reached = g.reach(opened.place)
    g.address(at)
    opened.offset = g.unit.frame.temporary('i')
    kept.push(opened.offset)
    g.op2('stra', 0, opened.offset)
  }
  g.statement(statement.body)
  if (ends.length > 0) g.line(statement.pos)
  for (const end of ends) end()
  for (const offset of kept) g.unit.frame.release('i', offset)
}

function isFixed(place: Place): boolean {
  switch (place.at) {
    case 'variable':
      return !isReference(place.variable)
    case 'field':
      // A variant’s field is checked once, when it is opened, not at each use.
      return place.field.variant === undefined && isFixed(place.base)
    case 'index':
      return place.index.op === 'ordinal' && isFixed(place.base)
    case 'with':
      return place.opened.offset < 0 && isFixed(place.opened.place)
    default:
      return false
  }
}

function emitGoto(g: Generator, target: Label): void {
  if (target.owner === g.routine) {
    g.jump('ujp', g.labelOf(target))
    return
  }
  const at = g.code.length
  g.op2('ipj', g.levelsTo(target.owner), 0)
  g.outerGotos.push({ code: g.code, at, target })
}
