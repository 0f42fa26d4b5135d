import type { Local, Node } from '@doppel/wasm'
import type { Kind } from '../class-file/descriptor.ts'
import type { Method } from '../runtime/classes.ts'
import { instructionLength } from '../opcodes.ts'
import { basicBlocks, branchTargets, endsFlow } from './blocks.ts'
import { survey, writeBody } from './body.ts'
import type { Callee } from './cluster.ts'
import { Frame } from './frame.ts'
import type { MethodSource } from './source.ts'
import { valueTypeOf } from './types.ts'

/** What stands for a call of the method in this module; undefined when it goes through the code table. */
export function calleeOf(f: Frame, method: Method): Callee | undefined {
  const { cluster } = f.context
  // What leads to an exception seldom runs, and jumps through a switch cannot be told apart from those of a callee.
  const plain = !f.context.hot || f.flow.isRouted || endsInThrow(f)
  return cluster?.accept(f.source, method, plain)
}

/** The call of a method of this module. Evaluates the arguments, and all of it, now. */
export function callMember(f: Frame, callee: Callee, args: readonly Node[], receiver?: Local): Node {
  if ('inlined' in callee) return inline(f, callee.inlined, args, receiver)
  f.notePosition()
  return f.fn.call(callee.ref, args)
}

function inline(f: Frame, source: MethodSource, args: readonly Node[], receiver: Local | undefined): Node {
  const { fn, stack } = f
  const [kinds = '', result = 'V'] = source.signature.split(')')
  const value = result === 'V' ? undefined : stack.temp(valueTypeOf(result as Kind))
  const done = fn.block()
  const about = survey(source)
  const blocks = basicBlocks(source.code, source.handlers)
  const frame = new Frame(f.context, source, fn, blocks, about.closed, { frame: f, done, result: value })
  const parameters = args.map((arg, i) => {
    const local = frame.stack.own(valueTypeOf(kinds[i] as Kind))
    fn.set(local, arg)
    return local
  })
  if (!about.assignsReceiver) frame.receiver = receiver
  writeBody(frame, parameters, about)
  frame.stack.release()
  f.goOn(done)
  return value === undefined ? fn.i32(0) : fn.get(value)
}

/** Whether the current instruction’s block ends by throwing an exception. */
function endsInThrow(f: Frame): boolean {
  const { code } = f.source
  for (let at = f.at; at < code.length; at += instructionLength(code, at)) {
    const op = code[at] as number
    if (op === 0xbf) return true
    if (endsFlow(op) || branchTargets(code, at) || (at > f.at && f.blocks.has(at))) return false
  }
  return false
}
