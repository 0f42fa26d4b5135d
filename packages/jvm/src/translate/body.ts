import { Gc, type Local, ref } from '@doppel/wasm'
import { readU2 } from '../class-file/bytes.ts'
import type { Kind } from '../class-file/descriptor.ts'
import { JavaProblem } from '../problem.ts'
import { instructionLength } from '../opcodes.ts'
import { type BasicBlock, branchTargets, endsFlow } from './blocks.ts'
import type { Frame } from './frame.ts'
import { ARMS } from './simple-arms.ts'
import type { MethodSource } from './source.ts'

/** Writes a method’s code, the parameters in these locals. */
export function writeBody(
  frame: Frame,
  parameters: readonly Local[],
  { calls, readsFields, assignsReceiver }: Survey,
): void {
  const { fn, source, stack, flow, outer, context } = frame
  const isMethod = source.method !== undefined
  const variables: [index: number, kind: Kind, local: Local][] = []
  if (source.entry) source.entry.variables.forEach(({ index, kind }, i) => stack.bindVariable(index, kind, i))
  else {
    let slot = 0
    for (const [i, kind] of (source.signature.split(')')[0] as string).split('').entries()) {
      stack.bindVariable(slot, kind as Kind, parameters[i] as Local)
      variables.push([slot, kind as Kind, parameters[i] as Local])
      slot += kind === 'J' || kind === 'D' ? 2 : 1
    }
  }
  if (calls && isMethod && !outer) frame.enter(source.maxLocals + 8)
  if (calls && isMethod && !outer && !source.entry && (frame.isRoot || frame.loops)) frame.count()
  if (
    source.hasReceiver &&
    !assignsReceiver &&
    readsFields &&
    !source.cls.isInterface &&
    frame.receiver === undefined
  ) {
    const type = context.types.layout(source.cls.layout)
    frame.receiver = stack.own(ref(type))
    fn.set(frame.receiver, new Gc(fn).refCast(ref(type, false), fn.get(parameters[0] as Local)))
  }
  if (frame.debug) frame.debug.enter(variables)
  if (assignsReceiver) Object.assign(frame.source, { hasReceiver: false })
  flow.begin()
  for (;;) {
    const start = flow.pending.shift()
    if (start !== undefined) block(frame, frame.blocks.get(start) as BasicBlock)
    else if (!frame.handlers.write()) break
  }
  flow.finishRouting()
}

/** What a method does, at a glance over its instructions. */
export interface Survey {
  calls: boolean
  /** The loops that branches close: where each begins, and the last such branch. */
  readonly closed: Map<number, number>
  readsFields: boolean
  assignsReceiver: boolean
}
/** Looks over a method’s instructions. */
export function survey(source: MethodSource): Survey {
  let [calls, readsFields, assignsReceiver] = [false, false, false]
  const closed = new Map<number, number>()
  const { code } = source
  for (let at = 0; at < code.length; at += instructionLength(code, at)) {
    const op = code[at] as number
    if (op >= 0xb6 && op <= 0xba) calls = true
    else if (op === 0xb4 || op === 0xb5) readsFields = true
    else if (op === 0x4b || (op === 0x3a && code[at + 1] === 0)) assignsReceiver = true
    else if (op === 0xc4 && code[at + 1] === 0x3a && readU2(code, at + 2) === 0) assignsReceiver = true
    else for (const to of branchTargets(code, at) ?? []) if (to <= at) closed.set(to, at)
  }
  return { calls, closed, readsFields, assignsReceiver }
}

function block(frame: Frame, { start, end, handlers }: BasicBlock): void {
  const { fn, stack, source, flow } = frame
  const { code } = source
  flow.atStart(start)
  frame.handlers.guard(handlers)
  stack.enter(flow.entryKinds.get(start) as readonly Kind[])
  for (let at = start; at < end; at += instructionLength(code, at)) {
    const op = code[at] as number
    frame.at = at
    const translateOne = ARMS[op]
    frame.debug?.before(at)
    if (!translateOne) throw new JavaProblem('java/lang/VerifyError', `Instruction ${op} at ${at} cannot be translated`)
    translateOne(frame, code, op)
    if (fn.closed || endsFlow(op)) return
    stack.endInstruction()
  }
  if (end >= code.length) throw new JavaProblem('java/lang/VerifyError', 'Falling off the end of the code')
  stack.flush()
  fn.jump(flow.target(end))
  flow.settleEdges()
}
