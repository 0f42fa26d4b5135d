import { instructionLength } from '../opcodes.ts'
import type { JavaClass } from '../runtime/classes.ts'
import { branchTargets, endsFlow } from '../translate/blocks.ts'
import { readU2 } from '../class-file/bytes.ts'
import { execute } from './instructions.ts'
import type { MethodCheck } from './method-check.ts'
import { TypeState } from './state.ts'
import { classType, isReference, nameOf, NULL, OBJECT, THROWABLE, TOP, type VType } from './types.ts'

/** Thrown when a class must be loaded before inference can go on; it then begins again. */
export class NeedsClass extends Error {
  readonly className: string
  constructor(className: string) {
    super(className)
    this.className = className
  }
}

/** Steps of inference over one method: merging only ever goes up, so that more mean a mistake of ours. */
const MAX_STEPS = 2_000_000

/** Verification by type inference (JVMS §4.10.2), for files without StackMapTable. `find` knows loaded classes. */
export function infer(m: MethodCheck, find: (name: string) => JavaClass | undefined): void {
  const { code, source } = m
  const states = new Map<number, TypeState>([[0, m.initialState()]])
  const open = [0]
  const queued = new Set(open)
  /** Subroutines’ callers, and for each subroutine what its returns left. */
  const callers = new Map<number, Set<number>>()
  const returns = new Map<number, Set<number>>()
  const flow = (to: number, state: TypeState): void => {
    if (to >= code.length) m.fail('Falling off the end of the code')
    const known = states.get(to)
    if (!known) states.set(to, state.copy())
    else if (!merge(m, known, state, find)) return
    if (!queued.has(to)) {
      queued.add(to)
      open.push(to)
    }
  }
  /** A subroutine returns to one caller: what it did not assign is as the caller had it (JVMS §4.10.2.5). */
  const giveBack = (subroutine: number, ret: number, caller: number): void => {
    const before = states.get(caller)
    const after = states.get(ret)
    if (!before || !after) return
    const assigned = after.assigned.get(subroutine) ?? new Set<number>()
    const count = Math.max(before.locals.length, after.locals.length)
    const locals = Array.from(
      { length: count },
      (_, i) => (assigned.has(i) ? after.locals[i] : before.locals[i]) ?? TOP,
    )
    const inner = new Map([...before.assigned].map(([s, set]) => [s, new Set([...set, ...assigned])]))
    flow(
      caller + instructionLength(code, caller),
      new TypeState(locals, [...after.stack], after.thisUninitialized, inner),
    )
  }
  for (let steps = 0; open.length > 0; steps++) {
    if (steps > MAX_STEPS) throw new Error(`verification of ${m.where} does not end`)
    const at = open.pop() as number
    queued.delete(at)
    m.at = at
    const state = (states.get(at) as TypeState).copy()
    const op = code[at] as number
    for (const { start, end, target, type } of source.handlers) {
      if (at < start || at >= end) continue
      const caught = type === 0 ? THROWABLE : classType(m.file.pool.className(type))
      flow(target, new TypeState(state.locals, [caught], state.thisUninitialized, state.assigned))
    }
    execute(m, state, at)
    const isRet = op === 0xa9 || (op === 0xc4 && code[at + 1] === 0xa9)
    if (isRet) {
      const index = op === 0xa9 ? (code[at + 1] as number) : readU2(code, at + 2)
      const subroutine = m.returnAddress(state, index)
      returns.set(subroutine, (returns.get(subroutine) ?? new Set()).add(at))
      for (const caller of callers.get(subroutine) ?? []) giveBack(subroutine, at, caller)
      continue
    }
    const targets = branchTargets(code, at) ?? []
    if (op === 0xa8 || op === 0xc9) {
      const [subroutine] = targets as [number]
      if (state.assigned.has(subroutine)) m.fail('Recursive call to jsr entry')
      callers.set(subroutine, (callers.get(subroutine) ?? new Set()).add(at))
      const entered = state.copy()
      entered.assigned = new Map([...state.assigned, [subroutine, new Set<number>()]])
      flow(subroutine, entered)
      for (const ret of returns.get(subroutine) ?? []) giveBack(subroutine, ret, at)
      continue
    }
    for (const target of targets) flow(target, state)
    if (!endsFlow(op)) flow(at + instructionLength(code, at), state)
  }
}

/** Merges what flows in into what was known; true when that changed it. */
function merge(
  m: MethodCheck,
  known: TypeState,
  state: TypeState,
  find: (name: string) => JavaClass | undefined,
): boolean {
  if (known.stack.length !== state.stack.length || known.depth !== state.depth) m.fail('Inconsistent stack height')
  let changed = false
  const common = (a: VType, b: VType): VType => {
    if (a === b) return a
    const found = isReference(a) && isReference(b) ? superOf(a, b, find) : TOP
    if (found !== a) changed = true
    return found
  }
  known.stack = known.stack.map((type, i) => {
    const merged = common(type, state.stack[i] as string)
    if (merged === TOP && type !== TOP) m.fail('Mismatched stack types')
    return merged
  })
  known.locals = known.locals.map((type, i) => common(type, state.locals[i] ?? TOP))
  if (state.thisUninitialized && !known.thisUninitialized) {
    known.thisUninitialized = true
    changed = true
  }
  // A subroutine that not every way here has entered is not under way here.
  const both = new Map<number, ReadonlySet<number>>()
  for (const [start, set] of known.assigned) {
    const other = state.assigned.get(start)
    if (!other) {
      changed = true
      continue
    }
    const union = new Set([...set, ...other])
    if (union.size > set.size) changed = true
    both.set(start, union)
  }
  known.assigned = both
  return changed
}

/** The nearest type that both are; interfaces count as Object. */
function superOf(a: VType, b: VType, find: (name: string) => JavaClass | undefined): VType {
  if (a === NULL) return b
  if (b === NULL) return a
  if (a[0] === '[' && b[0] === '[') {
    const [x, y] = [a.slice(1), b.slice(1)]
    return isReference(x) && isReference(y) ? `[${superOf(x, y, find)}` : OBJECT
  }
  if (a[0] === '[' || b[0] === '[' || a === OBJECT || b === OBJECT) return OBJECT
  const load = (type: VType): JavaClass => {
    const cls = find(nameOf(type))
    if (!cls) throw new NeedsClass(nameOf(type))
    return cls
  }
  const [left, right] = [load(a), load(b)]
  if (left.isInterface || right.isInterface) return OBJECT
  for (let c: JavaClass | undefined = left; c; c = c.superclass) {
    if (right.isSubtypeOf(c)) return classType(c.name)
  }
  return OBJECT
}
