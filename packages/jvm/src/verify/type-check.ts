import { branchTargets, endsFlow } from '../translate/blocks.ts'
import { instructionLength } from '../opcodes.ts'
import { execute } from './instructions.ts'
import type { MethodCheck } from './method-check.ts'
import { stackMap } from './stack-map.ts'
import { TypeState } from './state.ts'
import { classType, THROWABLE, TOP } from './types.ts'

/** Verification by type checking against the StackMapTable (JVMS §4.10.1). Throws VerifyError. */
export function typeCheck(m: MethodCheck, starts: ReadonlySet<number>): void {
  const { code, file, source } = m
  const initial = m.initialState()
  const frames = stackMap(file, source, initial, starts, m.where)
  let state: TypeState | undefined = initial
  for (let at = 0; at < code.length; at += instructionLength(code, at)) {
    m.at = at
    const frame = frames.get(at)
    if (frame) {
      if (state) matches(m, state, frame, 'Instruction type does not match stack map')
      state = frame.copy()
    } else if (!state) m.fail('Expecting a stack map frame')
    const op = code[at] as number
    if (op === 0xa8 || op === 0xc9 || op === 0xa9) m.fail(`Bad instruction: ${op.toString(16)}`)
    const current: TypeState = state as TypeState
    checkHandlers(m, current, frames)
    execute(m, current, at)
    for (const target of branchTargets(code, at) ?? []) {
      const there = frames.get(target)
      if (!there) m.fail(`Expecting a stackmap frame at branch target ${target}`)
      matches(m, current, there, 'Bad type on operand stack in jump')
    }
    state = endsFlow(op) ? undefined : current
  }
  if (state) m.fail('Control flow falls through code end')
}

/** What holds before an instruction must suit every handler that covers it. */
function checkHandlers(m: MethodCheck, state: TypeState, frames: ReadonlyMap<number, TypeState>): void {
  for (const { start, end, target, type } of m.source.handlers) {
    if (m.at < start || m.at >= end) continue
    const frame = frames.get(target)
    if (!frame) return m.fail(`Expecting a stackmap frame at branch target ${target}`)
    const caught = type === 0 ? THROWABLE : classType(m.file.pool.className(type))
    matches(m, new TypeState(state.locals, [caught], state.thisUninitialized), frame, 'Bad handler frame')
  }
}

/** Frame assignability (JVMS §4.10.1.4). */
function matches(m: MethodCheck, from: TypeState, to: TypeState, what: string): void {
  if (from.stack.length !== to.stack.length || from.depth !== to.depth) m.fail(what)
  to.locals.forEach((type, i) => m.require(from.locals[i] ?? TOP, type, what))
  to.stack.forEach((type, i) => m.require(from.stack[i] as string, type, what))
  if (from.thisUninitialized && !to.thisUninitialized) m.fail(what)
}
