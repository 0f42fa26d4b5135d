import { type Block, I32, type Local, Op } from '@doppel/wasm'
import type { RoutineTranslator } from './routine.ts'

/** Turns of loops between looks at the world outside; also when a running loop changes to better code. */
export const LOOP_FUEL = 100_000
const RESUME_PARAMETER = 0

/**
 * Edges of a routine's graph. V8 does not exchange code that runs, so a loop that has run for long goes on in a function of
 * its own, entered at that loop: its `resume` parameter says which, and loops around it lead there.
 */
export class LoopEntries {
  readonly #code: RoutineTranslator
  readonly #bodies: readonly Block[]
  readonly #resume: { readonly index: number } | undefined
  readonly #resumed: boolean
  readonly #heads: Block[] = []
  readonly #loops: readonly number[]
  readonly #fuel: Local | undefined
  readonly #dispatch: { readonly block: Block; readonly state: Local } | undefined

  constructor(
    code: RoutineTranslator,
    bodies: readonly Block[],
    resumed: boolean,
    resume: { readonly index: number } | undefined,
  ) {
    this.#code = code
    this.#bodies = bodies
    this.#resume = resume
    this.#resumed = resumed
    const { fn, graph } = code
    const irreducible = graph.flow.irreducible.length > 0
    this.#loops = graph.flow.order.filter(block => graph.flow.loopHeader[block] === 1)
    if (irreducible || this.#loops.length > 0) this.#fuel = fn.local(I32)
    if (irreducible) this.#dispatch = { block: fn.block(), state: fn.local(I32) }
    for (const loop of this.#loops) if (resumed && this.#inner(loop).length > 0) this.#heads[loop] = fn.block()
  }
  #inner(loop: number): number[] {
    return this.#loops.filter(other => this.#code.graph.outerLoop[other] === loop)
  }
  /** The number by which `resume` names a loop. */
  #number(loop: number): number {
    return this.#loops.indexOf(loop) + 1
  }

  /** Where a block's own code goes. */
  body(block: number): Block {
    return this.#bodies[block] as Block
  }
  /** Where a block is entered. */
  head(block: number): Block {
    return this.#heads[block] ?? this.body(block)
  }

  /** Where a block is entered from the function's beginning, or by a goto from an inner routine. */
  arrival(block: number): Block {
    return this.#dispatch ? this.#byDispatch(block, this.#dispatch) : this.head(block)
  }
  /** Ends the function's beginning: goes to the first block, or to the loop that is resumed. */
  enter(): void {
    const { fn, graph } = this.#code
    if (this.#fuel !== undefined) fn.set(this.#fuel, fn.i32(LOOP_FUEL))
    const start = fn.current
    if (this.#dispatch) this.#writeDispatch(this.#dispatch)
    if (!this.#resumed) {
      const first = this.arrival(0)
      fn.at(start)
      return fn.jump(first)
    }
    const outermost = this.#loops.filter(loop => graph.outerLoop[loop] === -1)
    this.#towards(outermost, start)
    for (const loop of this.#loops) {
      const head = this.#heads[loop]
      if (head === undefined) continue
      const way = fn.block()
      fn.at(head)
      fn.branch(fn.get(RESUME_PARAMETER), way, this.body(loop), 'unlikely')
      const here = fn.block()
      fn.at(here)
      fn.set(RESUME_PARAMETER, fn.i32(0))
      fn.jump(this.body(loop))
      this.#towards(this.#inner(loop), way, { loop, block: here })
    }
  }
  /** From a block, goes to the loop among these that is resumed or has it inside. */
  #towards(loops: readonly number[], from: Block, own?: { readonly loop: number; readonly block: Block }): void {
    const { fn } = this.#code
    const targets: Block[] = Array.from({ length: this.#loops.length + 1 })
    const nowhere = fn.block()
    targets.fill(nowhere)
    if (own) targets[this.#number(own.loop)] = own.block
    for (const loop of loops) {
      const direct = this.#heads[loop] === undefined
      const arrival = direct ? fn.block() : this.head(loop)
      for (const inside of this.#loops) if (this.#isInside(inside, loop)) targets[this.#number(inside)] = arrival
      if (!direct) continue
      fn.at(arrival)
      fn.set(RESUME_PARAMETER, fn.i32(0))
      fn.jump(this.body(loop))
    }
    fn.at(nowhere)
    fn.unreachable()
    fn.at(from)
    fn.switch(fn.get(RESUME_PARAMETER), targets, nowhere)
  }
  #isInside(inner: number, outer: number): boolean {
    for (let at = inner; at >= 0; at = this.#code.graph.outerLoop[at] as number) if (at === outer) return true
    return false
  }

  /** Where a jump from one block to another leads: loops that turn back look outside now and then. */
  edge(from: number, to: number): Block {
    const { fn, graph, context, verified } = this.#code
    const { position } = graph.flow
    const back = (position[to] as number) <= (position[from] as number)
    if (this.#dispatch) return this.#byDispatch(to, this.#dispatch)
    if (!back) return this.head(to)
    const fuel = this.#fuel as Local
    const turn = fn.block()
    const site = context.sites.push({ routine: verified.index, at: graph.blocks[to]?.first ?? 0 }) - 1
    this.#aside(turn, () => {
      fn.set(fuel, fn.op(Op.i32Sub, fn.get(fuel), fn.i32(1)))
      fn.if(fn.op(Op.i32Eqz, fn.get(fuel)), 'unlikely')
      fn.effect(this.#code.host('look', [fn.i32(site)]))
      if (this.#resume) fn.returnCall(this.#resume, [fn.i32(this.#number(to)), ...this.#code.frame.state().values])
      else fn.set(fuel, fn.i32(LOOP_FUEL))
      fn.end()
      fn.jump(this.head(to))
    })
    return turn
  }
  /** Writes a block of its own while another is being written. */
  #aside(block: Block, write: () => void): void {
    const { fn } = this.#code
    const current = fn.current
    fn.at(block)
    write()
    fn.at(current)
  }

  // Code that no loops and branches make, since it jumps into loops: every jump goes by way of a switch.

  #writeDispatch(dispatch: { readonly block: Block; readonly state: Local }): void {
    const { fn } = this.#code
    const fuel = this.#fuel as Local
    fn.at(dispatch.block)
    fn.set(fuel, fn.op(Op.i32Sub, fn.get(fuel), fn.i32(1)))
    fn.if(fn.op(Op.i32Eqz, fn.get(fuel)), 'unlikely')
    fn.effect(
      this.#code.host('look', [
        fn.i32(this.#code.context.sites.push({ routine: this.#code.verified.index, at: 0 }) - 1),
      ]),
    )
    fn.set(fuel, fn.i32(LOOP_FUEL))
    fn.end()
    fn.switch(fn.get(dispatch.state), this.#bodies, this.body(0))
  }
  #byDispatch(to: number, dispatch: { readonly block: Block; readonly state: Local }): Block {
    const { fn } = this.#code
    const way = fn.block()
    this.#aside(way, () => {
      fn.set(dispatch.state, fn.i32(to))
      fn.jump(dispatch.block)
    })
    return way
  }
}
