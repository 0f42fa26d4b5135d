import { type Block, type Guard, I32, type Local, Op } from '@doppel/wasm'
import type { Kind } from '../class-file/descriptor.ts'
import type { Frame } from './frame.ts'
import { type LoopEntry, type Variable, variablesOf } from './loops.ts'

/**
 * Back edges between two looks at whether another thread wants to run. A loop around others looks sooner than they do, so
 * that it is the one to go on in code of its own.
 */
const FUEL = 20_000

/** The control flow of one method, while it is translated: which block of the function stands for which bytecode. */
export class Flow {
  readonly #frame: Frame
  /** The loops that branches close: where each begins, and the last such branch. */
  readonly #closed: ReadonlyMap<number, number>
  readonly #blocks = new Map<number, Block>()
  /** Where loops begin that a branch closes, each with the block that its code is in. */
  readonly #headers = new Map<number, Block>()
  /** Kinds on the stack at the start of each block that has been reached. */
  readonly entryKinds: Map<number, readonly Kind[]> = new Map()
  /** Starts of blocks that are still to be translated. */
  readonly pending: number[] = []
  readonly #later: (() => void)[] = []
  #fuel: Local | undefined
  #loopPlace: Local | undefined
  #variables: readonly Variable[] | undefined
  #state: Local | undefined
  #router: Block | undefined
  readonly #routed: Block[] = []

  constructor(frame: Frame, closed: ReadonlyMap<number, number>) {
    this.#frame = frame
    this.#closed = closed
  }

  /** In code whose flow has no structure, every jump goes through one switch. */
  route(): void {
    this.#state = this.#frame.stack.own(I32)
    this.#router = this.#frame.fn.block()
  }
  /** True when jumps go through a switch. */
  get isRouted(): boolean {
    return this.#router !== undefined
  }
  /** Goes to the first instruction. */
  begin(): void {
    this.go(this.blockAt(this.#frame.source.entry?.at ?? 0, []))
  }
  finishRouting(): void {
    const { fn } = this.#frame
    if (this.#router === undefined) return
    fn.at(this.#router)
    fn.switch(fn.get(this.#state as Local), this.#routed, this.#routed[0] as Block)
  }

  /** The block for the bytecode at `target`, which will be translated; the stack has been flushed. */
  blockAt(target: number, kinds: readonly Kind[]): Block {
    const known = this.#blocks.get(target)
    if (known !== undefined) return known
    const { fn } = this.#frame
    const block = fn.block()
    this.#blocks.set(target, block)
    this.entryKinds.set(target, kinds)
    this.pending.push(target)
    if (this.#closed.has(target) && this.#router === undefined) this.#headers.set(target, fn.block())
    return block
  }
  /** Goes on in the block for the bytecode at `start`, at its first instruction. */
  atStart(start: number): void {
    const { fn } = this.#frame
    const block = this.blockAt(start, [])
    const header = this.#headers.get(start)
    fn.at(block)
    if (header === undefined) return
    fn.jump(header)
    fn.at(header)
  }
  /** As `blockAt`, as something to branch to: by way of the router where there is one. */
  target(to: number): Block {
    const { fn, stack, at, handlers } = this.#frame
    const block = this.blockAt(
      to,
      stack.entries.map(e => e.kind),
    )
    const backward = to <= at
    if (!backward && this.#router === undefined) return block
    const here = fn.block()
    const guard = handlers.current
    this.#later.push(() => {
      fn.at(here)
      if (backward) this.#poll(to, block, guard)
      else this.go(block)
    })
    return here
  }
  /** Fills the blocks between a branch and its targets. */
  settleEdges(): void {
    for (const fill of this.#later.splice(0)) fill()
  }
  /** Goes to a block from the end of the current one. */
  go(block: Block): void {
    const { fn } = this.#frame
    if (this.#router === undefined) return fn.jump(block)
    let index = this.#routed.indexOf(block)
    if (index < 0) index = this.#routed.push(block) - 1
    fn.set(this.#state as Local, fn.i32(index))
    fn.jump(this.#router)
  }
  jump(to: number): void {
    this.#frame.stack.flush()
    this.#frame.fn.jump(this.target(to))
    this.settleEdges()
  }

  /**
   * Closes a loop. Iterations are counted up to the next look at the world, which is no part of the loop itself but comes
   * back to it from outside: the engine takes values out of loops that call nothing. One that has run long goes on in
   * code of its own.
   */
  #poll(to: number, block: Block, guard: Guard | undefined): void {
    const frame = this.#frame
    const { fn, stack, context } = frame
    const fuel = (this.#fuel ??= stack.own(I32))
    const [look, again] = [fn.block(), this.#headers.get(to)]
    fn.set(fuel, fn.op(Op.i32Add, fn.get(fuel), fn.i32(1)))
    const expired = fn.op(Op.i32GtS, fn.get(fuel), fn.i32(this.#fuelFor(to)))
    if (again !== undefined) fn.branch(expired, look, again, 'unlikely')
    else {
      const on = fn.block()
      fn.branch(expired, look, on, 'unlikely')
      fn.at(on)
      this.go(block)
    }
    fn.at(look)
    // Looking at the world may end in an exception, as running out of memory does.
    if (guard) fn.guard(guard)
    fn.set(fuel, fn.i32(0))
    frame.mark()
    const loop = this.#loop(to)
    if (loop === undefined) fn.effect(frame.support('poll'))
    else {
      const place = (this.#loopPlace ??= stack.own(I32))
      fn.set(place, frame.support('loopPoll', fn.i32(context.hot ? ~loop.id : loop.id)))
      fn.if(fn.get(place))
      const args = loop.entry.variables.map(v => fn.get(stack.variable(v.index, v.kind)))
      fn.returnCallIndirect(context.types.signature(loop.entry.signature).index, 0, fn.get(place), args)
      fn.end()
    }
    this.go(block)
  }
  #fuelFor(to: number): number {
    const end = this.#closed.get(to) ?? to
    let around = 0
    for (const [start, last] of this.#closed) if (start < to && last >= end) around++
    return FUEL - (FUEL >> (around + 1))
  }
  /** The loop as something that can be entered anew; undefined where it cannot. */
  #loop(to: number): { readonly id: number; readonly entry: LoopEntry } | undefined {
    const { source, vm, context, outer } = this.#frame
    const { method } = source
    if (!method || outer || this.entryKinds.get(to)?.length !== 0) return undefined
    const variables = (this.#variables ??= variablesOf(method))
    if (variables === undefined) return undefined
    const [, result] = source.signature.split(')')
    const signature = `${variables.map(v => v.kind).join('')})${result}`
    const id = vm.tiers.loop(method, to)
    context.recording?.loops.push(to, id)
    return { id, entry: { method, at: to, variables, signature } }
  }
}
