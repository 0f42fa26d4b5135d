import { assert } from '@doppel/base'
import type { ByteWriter } from './bytes.ts'
import { analyseFlow, type FlowGraph } from './cfg.ts'
import { type BranchHint, emitNode, emitStatements } from './emit.ts'
import type { Block, FunctionBuilder, Guard, Likelihood, Terminator } from './function.ts'
import { writeValueType } from './types.ts'

/** Where a branch may go: a loop's start, a block's end, a cold block, or nothing (an `if`). */
const Label = { loop: 0, block: 1, if: 2, cold: 3 } as const
/** How many kinds of label there are: one is kept as its block times this plus its kind. */
const LABEL_KINDS = 4

function targetsOf(t: Terminator): readonly Block[] {
  switch (t.kind) {
    case 'jump':
      return [t.to]
    case 'branch':
      return [t.taken, t.otherwise]
    case 'switch':
      return [...new Set([...t.targets, t.fallback])]
    case 'end':
      return []
  }
}

/**
 * Writes a function's graph as structured code, by its dominator tree: a block's code is followed by the blocks it
 * dominates; those with several ways in become the ends of `block`s, targets of back edges become `loop`s
 * (N. Ramsey, "Beyond Relooper", ICFP 2022).
 */
export class Structurer {
  readonly #fn: FunctionBuilder
  readonly #out: ByteWriter
  readonly #hints: BranchHint[]
  readonly #flow: FlowGraph
  /** Dominator-tree children that need a label, in descending reverse postorder. */
  readonly #merges: Block[][]
  readonly #needsLabel: Uint8Array
  /** The open labels, innermost last. */
  readonly #labels: number[] = []

  constructor(fn: FunctionBuilder, out: ByteWriter, hints: BranchHint[]) {
    this.#fn = fn
    this.#out = out
    this.#hints = hints
    const successors = fn.blocks.map((b, i) => {
      if (b.terminator === undefined) {
        if (!fn.coldBlocks.includes(i)) assert(false, `block ${i} of ${fn.name} has no end`)
        return []
      }
      return b.guard ? [...targetsOf(b.terminator), b.guard.target] : targetsOf(b.terminator)
    })
    const flow = analyseFlow(successors)
    this.#flow = flow
    assert(flow.irreducible.length === 0, `the control flow of ${fn.name} is irreducible`)
    this.#needsLabel = new Uint8Array(fn.blocks.length)
    this.#merges = fn.blocks.map(() => [])
    for (const block of flow.order) {
      if ((flow.forwardEdges[block] as number) > 1) this.#needsLabel[block] = 1
      const end = fn.blocks[block]?.terminator as Terminator
      const guard = fn.blocks[block]?.guard
      if (guard) this.#needsLabel[guard.target] = 1
      if (end.kind === 'switch') for (const to of targetsOf(end)) this.#needsLabel[to] = 1
    }
    for (let at = flow.order.length - 1; at > 0; at--) {
      const block = flow.order[at] as Block
      if (this.#needsLabel[block]) this.#merges[flow.dominator[block] as number]?.push(block)
    }
  }

  write(): void {
    const { coldBlocks } = this.#fn
    for (const block of coldBlocks) this.#open(0x02, Label.cold, block)
    this.#tree(0)
    for (let i = coldBlocks.length - 1; i >= 0; i--) {
      const { first } = this.#fn.blocks[coldBlocks[i] as Block] as { first: number }
      // The block before has left; the type checker wants it said.
      if (i === coldBlocks.length - 1) this.#out.u8(0x00)
      this.#close()
      emitStatements(this.#fn, first, this.#out, this.#hints, this.#labels.length)
    }
    // Every path has left by now; the type checker wants it said.
    this.#out.u8(0x00)
    this.#out.u8(0x0b)
  }

  #tree(block: Block): void {
    const loop = this.#flow.loopHeader[block] === 1
    if (loop) this.#open(0x03, Label.loop, block)
    const merges = this.#merges[block] as Block[]
    for (const merge of merges) this.#open(0x02, Label.block, merge)
    this.#body(block)
    for (let i = merges.length - 1; i >= 0; i--) {
      this.#close()
      this.#tree(merges[i] as Block)
    }
    if (loop) this.#close()
  }

  #open(code: number, kind: number, target: Block): void {
    this.#out.u8(code)
    this.#out.u8(0x40)
    this.#labels.push(target * LABEL_KINDS + kind)
  }
  #close(): void {
    this.#out.u8(0x0b)
    this.#labels.pop()
  }

  #body(block: Block): void {
    const { first, terminator, guard } = this.#fn.blocks[block] as {
      first: number
      terminator: Terminator
      guard?: Guard
    }
    if (guard && first) this.#guarded(block, first, guard)
    else emitStatements(this.#fn, first, this.#out, this.#hints, this.#labels.length)
    switch (terminator.kind) {
      case 'end':
        return
      case 'jump':
        return this.#goto(block, terminator.to)
      case 'switch': {
        emitNode(this.#fn, terminator.index, this.#out)
        this.#out.u8(0x0e)
        this.#out.u32(terminator.targets.length)
        for (const to of terminator.targets) this.#out.u32(this.#depth(block, to))
        this.#out.u32(this.#depth(block, terminator.fallback))
        return
      }
      case 'branch':
        return this.#branch(block, terminator)
    }
  }

  /** `block $done (block $caught (try_table … br $done)) set; br handler end` (Core spec §5.4.1, exception handling). */
  #guarded(block: Block, first: number, guard: Guard): void {
    const out = this.#out
    this.#open(0x02, Label.if, block)
    out.u8(0x02)
    writeValueType(out, this.#fn.localType(guard.into))
    out.u8(0x1f)
    out.u8(0x40)
    out.u32(1)
    out.u8(0x00)
    out.u32(guard.tag)
    out.u32(0)
    emitStatements(this.#fn, first, out, this.#hints, this.#labels.length + 2)
    out.u8(0x0c)
    out.u32(2)
    out.u8(0x0b)
    out.u8(0x00)
    out.u8(0x0b)
    out.u8(0x21)
    out.u32(guard.into)
    this.#goto(block, guard.target)
    this.#close()
    if (this.#fn.blocks[block]?.terminator?.kind === 'end') out.u8(0x00)
  }

  #branch(block: Block, t: Terminator & { kind: 'branch' }): void {
    emitNode(this.#fn, t.cond, this.#out)
    if (this.#isLabelled(block, t.taken)) {
      this.#hint(t.hint)
      this.#out.u8(0x0d)
      this.#out.u32(this.#depth(block, t.taken))
      return this.#goto(block, t.otherwise)
    }
    if (this.#isLabelled(block, t.otherwise)) {
      this.#out.u8(0x45)
      this.#hint(t.hint === 'likely' ? 'unlikely' : t.hint && 'likely')
      this.#out.u8(0x0d)
      this.#out.u32(this.#depth(block, t.otherwise))
      return this.#goto(block, t.taken)
    }
    this.#hint(t.hint)
    this.#open(0x04, Label.if, block)
    this.#goto(block, t.taken)
    this.#out.u8(0x05)
    this.#goto(block, t.otherwise)
    this.#close()
    // Both arms have left.
    this.#out.u8(0x00)
  }

  #hint(likelihood: Likelihood): void {
    if (likelihood) this.#hints.push({ offset: this.#out.length, likely: likelihood === 'likely' })
  }

  #isLabelled(from: Block, to: Block): boolean {
    return this.#isBackEdge(from, to) || this.#needsLabel[to] === 1
  }
  #isBackEdge(from: Block, to: Block): boolean {
    return (this.#flow.position[to] as number) <= (this.#flow.position[from] as number)
  }

  #goto(from: Block, to: Block): void {
    if (!this.#isLabelled(from, to)) return this.#tree(to)
    this.#out.u8(0x0c)
    this.#out.u32(this.#depth(from, to))
  }
  #depth(from: Block, to: Block): number {
    const kind = this.#isBackEdge(from, to) ? Label.loop : Label.block
    const at = this.#labels.lastIndexOf(to * LABEL_KINDS + kind)
    if (at < 0) throw new Error(`no label for block ${to} of ${this.#fn.name}`)
    return this.#labels.length - 1 - at
  }
}
