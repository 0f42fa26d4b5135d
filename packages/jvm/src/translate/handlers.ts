import type { Block, Guard, Local } from '@doppel/wasm'
import type { Handler } from '../class-file/code.ts'
import type { ClassFile } from '../class-file/parse.ts'
import type { Frame } from './frame.ts'
import { classAt } from './resolved.ts'
import { OBJ, TABLE } from './types.ts'

/** Where the exceptions of one method go, while it is translated. */
export class Handlers {
  readonly #frame: Frame
  /** Where they go that nothing in the method catches: to the caller’s handlers when it stands in its caller’s code. */
  readonly #outer: Guard | undefined
  readonly #dispatchers = new Map<string, Block>()
  readonly #later: (readonly [Block, readonly Handler[]])[] = []
  readonly #exception: Local
  /** What exceptions of the current code are sent to. */
  current: Guard | undefined

  constructor(frame: Frame) {
    this.#frame = frame
    this.#outer = frame.outer?.frame.handlers.current
    this.#exception = frame.stack.own(OBJ)
  }

  /** Sends exceptions of the current block to the handlers that cover it. */
  guard(handlers: readonly Handler[]): void {
    const { fn, context } = this.#frame
    this.current = this.#outer
    // A debugger is told of what nothing here catches, too.
    if (handlers.length > 0 || context.debug) {
      // Those that close a loop look at the world; the same handlers may cover other code without closing one.
      const key = handlers.map(h => `${h.target}:${h.type}:${closesLoop(h)}`).join()
      let target = this.#dispatchers.get(key)
      if (target === undefined) {
        target = fn.block()
        this.#dispatchers.set(key, target)
        this.#later.push([target, handlers])
      }
      this.current = { target, tag: context.tag, into: this.#exception }
    }
    this.resume()
  }
  /** Does the same for another block of the same code. */
  resume(): void {
    if (this.current) this.#frame.fn.guard(this.current)
  }
  /** Throws an exception that is not null; handlers in the same function are jumped to. */
  throw(exception: Local): void {
    this.#throw(exception, this.current)
  }
  #throw(exception: Local, to: Guard | undefined): void {
    const { fn, gc, context } = this.#frame
    if (!to) {
      this.#frame.debug?.leave()
      return gc.throw(context.tag, [fn.get(exception)])
    }
    fn.set(to.into, fn.get(exception))
    fn.jump(to.target)
  }
  /** Writes the blocks that choose among handlers. Returns true when there were any. */
  write(): boolean {
    const some = this.#later.length > 0
    for (const [block, handlers] of this.#later.splice(0)) this.#dispatch(block, handlers)
    return some
  }
  #dispatch(block: Block, handlers: readonly Handler[]): void {
    const frame = this.#frame
    const { fn, flow, stack } = frame
    const exception = this.#exception
    this.current = this.#outer
    fn.at(block)
    this.resume()
    frame.restoreDepth()
    frame.debug?.thrown(exception)
    // What was on the stack is gone: a program that ran out of memory may live on having let go of it.
    for (const local of stack.references()) fn.set(local, frame.gc.refNull(OBJ))
    const place = stack.place(0, 'L')
    frame.at = handlers[0]?.target ?? 0
    // Each time round makes an exception, which takes so long that counting first would not save anything.
    if (handlers.some(closesLoop)) {
      frame.mark()
      fn.effect(frame.support('poll'))
    }
    for (const { target, type } of handlers) {
      frame.at = target
      const handler = flow.blockAt(target, ['L'])
      const takeIt = (): void => {
        fn.set(place, fn.get(exception))
        flow.go(handler)
      }
      if (type === 0) return takeIt()
      const [take, next] = [fn.block(), fn.block()]
      frame.mark()
      fn.branch(this.#catches(type), take, next)
      fn.at(take)
      takeIt()
      fn.at(next)
      this.resume()
    }
    this.#throw(exception, this.#outer)
  }
  /** Whether a handler’s class takes the exception; a class that is not loaded yet is asked for through a call site. */
  #catches(type: number): number {
    const frame = this.#frame
    const { context, fn } = frame
    const cls = classAt(frame, type)
    if (cls) return frame.isInstance(this.#exception, cls)
    const name = (frame.cls.file as ClassFile).pool.className(type)
    if (name === 'java/lang/Throwable') return fn.i32(1)
    const instruction = Uint8Array.of(0xc1, type >> 8, type & 255)
    const { place, isNew } = frame.vm.sites.place(frame.cls, instruction, 'L)I', '')
    context.recording?.sites.push(place)
    if (isNew) context.newSites.push({ place, signature: 'L)I' })
    const { index, type: functionType } = context.types.signature('L)I')
    return fn.callIndirect(index, functionType, TABLE.code, fn.i32(place), [fn.get(this.#exception)])
  }
}

/** A handler that lies before the end of what it covers can make a loop that no branch closes. */
const closesLoop = ({ target, end }: Handler): boolean => target < end
