import { EXTERNREF, type FunctionRef, type FunctionType, I32, type Local, type Node, Op } from '@doppel/wasm'
import { lineNumbers } from '../class-file/code.ts'
import type { Kind } from '../class-file/descriptor.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { instructionLength } from '../opcodes.ts'
import type { Method } from '../runtime/classes.ts'
import type { Frame } from './frame.ts'
import { OBJ, valueTypeOf } from './types.ts'

const type = (params: FunctionType['params'], results: FunctionType['results'] = []): FunctionType => ({
  kind: 'func',
  params,
  results,
})
/** What code that can be debugged calls besides; a task that comes back is run where it stands. */
export const DEBUG_IMPORTS: readonly (readonly [name: string, type: FunctionType])[] = [
  ['enter', type([I32], [I32])],
  ['leave', type([I32])],
  ['site', type([I32, I32], [EXTERNREF])],
  ['throwing', type([I32, I32])],
  ['thrown', type([I32, OBJ], [EXTERNREF])],
  ...'IJFDL'.split('').map(kind => [`set${kind}`, type([I32, I32, valueTypeOf(kind as Kind)])] as const),
]

/** Tells the debugger what one method does: where it is, and what its variables hold. */
export class DebugSites {
  readonly #frame: Frame
  readonly #depth: Local
  readonly #task: Local
  /** Where it says where it is: where lines begin, and behind calls. */
  readonly #sites: ReadonlySet<number>

  constructor(frame: Frame) {
    this.#frame = frame
    this.#depth = frame.stack.own(I32)
    this.#task = frame.stack.own(EXTERNREF)
    this.#sites = sitesOf(frame.source.method as Method)
    frame.stack.onAssign = (index, kind, local) => this.#set(index, kind, local)
  }
  #call(name: string, ...args: readonly Node[]): Node {
    const { fn, context } = this.#frame
    return fn.call(context.functions[`debug.${name}`] as FunctionRef, [fn.get(this.#depth), ...args])
  }
  /** The frame begins, its parameters set. */
  enter(parameters: readonly (readonly [index: number, kind: Kind, local: Local])[]): void {
    const { fn, context, source } = this.#frame
    const enter = context.functions['debug.enter'] as FunctionRef
    fn.set(this.#depth, fn.call(enter, [fn.i32((source.method as Method).id)]))
    for (const [index, kind, local] of parameters) this.#set(index, kind, local)
  }
  leave(): void {
    this.#frame.fn.effect(this.#call('leave'))
  }
  #set(index: number, kind: Kind, local: Local): void {
    const { fn } = this.#frame
    fn.effect(this.#call(`set${kind}`, fn.i32(index), fn.get(local)))
  }
  /** Before the instruction at `at`. */
  before(at: number): void {
    if (!this.#sites.has(at)) return
    this.#frame.mark()
    this.#run(this.#call('site', this.#frame.fn.i32(at)))
  }
  /** The current instruction throws. */
  throwing(): void {
    const { fn, at } = this.#frame
    fn.effect(this.#call('throwing', fn.i32(at)))
  }
  /** An exception has come to this method. */
  thrown(exception: Local): void {
    this.#run(this.#call('thrown', this.#frame.fn.get(exception)))
  }
  #run(task: Node): void {
    const { fn, gc, context } = this.#frame
    fn.set(this.#task, task)
    fn.if(fn.op(Op.i32Eqz, gc.refIsNull(fn.get(this.#task))), 'unlikely')
    fn.effect(fn.call(context.functions['debug.runTask'] as FunctionRef, [fn.get(this.#task)]))
    fn.end()
  }
}

function sitesOf({ code, owner }: Method): ReadonlySet<number> {
  const sites = new Set<number>([0])
  if (!code) return sites
  for (const [offset] of lineNumbers(owner.file as ClassFile, code)) sites.add(offset)
  for (let at = 0; at < code.bytes.length; ) {
    const op = code.bytes[at] as number
    at += instructionLength(code.bytes, at)
    if (op >= 0xb6 && op <= 0xba) sites.add(at)
  }
  return sites
}
