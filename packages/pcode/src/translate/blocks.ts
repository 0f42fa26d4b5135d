import { analyseFlow, type FlowGraph } from '@doppel/wasm'
import { type Program } from '../program/program.ts'
import { CODE_WORDS, Field } from '../program/program.ts'
import { ROWS } from '../rows/p5.ts'
import { successors, type VerifiedRoutine } from '../verify/verify.ts'

/** A stretch of instructions that runs from its first to its last. */
export interface CodeBlock {
  readonly first: number
  /** The instruction after the last. */
  readonly end: number
  /** Numbers of the blocks that may follow. */
  readonly next: readonly number[]
}

/** A routine's code as a graph. Block 0 begins with the first instruction. */
export interface CodeGraph {
  readonly blocks: readonly CodeBlock[]
  /** The block that begins at an instruction. */
  readonly blockAt: ReadonlyMap<number, number>
  readonly flow: FlowGraph
  /** For each block, the innermost loop it is in, by the block the loop begins with; -1 outside loops. */
  readonly loopOf: Int32Array
  /** For each block that begins a loop, the loop around that; -1 for others and for outermost loops. */
  readonly outerLoop: Int32Array
}

/** Divides a routine's reached code into blocks. */
export function graphOf(program: Program, verified: VerifiedRoutine): CodeGraph {
  const { routine, stacks, outerTargets } = verified
  const leaders = new Set<number>([0, ...outerTargets])
  for (let at = 0; at < stacks.length; at++) {
    if (stacks[at] === undefined) continue
    const row = ROWS[routine.code[at * CODE_WORDS + Field.row] as number]
    const branches = row?.operands.some(o => o.kind === 'label' || o.kind === 'table')
    if (branches) for (const to of successors(program, routine.code, at)) leaders.add(to)
  }
  const firsts = [...leaders].sort((a, b) => a - b)
  const blockAt = new Map(firsts.map((first, i) => [first, i]))
  const blocks = firsts.map((first, i) => {
    const limit = firsts[i + 1] ?? stacks.length
    let last = first
    while (last + 1 < limit && !ROWS[routine.code[last * CODE_WORDS + Field.row] as number]?.ends) last++
    const next = successors(program, routine.code, last).map(to => blockAt.get(to) as number)
    return { first, end: last + 1, next }
  })
  const flow = analyseFlow(withEntries(blocks, outerTargets, blockAt))
  return { blocks, blockAt, flow, ...loopsOf(blocks, flow) }
}

/** What other routines go to is entered from the beginning, as far as order and dominators are concerned. */
function withEntries(
  blocks: readonly CodeBlock[],
  outerTargets: readonly number[],
  blockAt: ReadonlyMap<number, number>,
): number[][] {
  const graph = blocks.map(block => [...block.next])
  for (const target of outerTargets) graph[0]?.push(blockAt.get(target) as number)
  return graph
}

function loopsOf(blocks: readonly CodeBlock[], flow: FlowGraph): Pick<CodeGraph, 'loopOf' | 'outerLoop'> {
  const predecessors: number[][] = blocks.map(() => [])
  blocks.forEach((block, from) => {
    if ((flow.position[from] as number) >= 0) for (const to of block.next) predecessors[to]?.push(from)
  })
  const loopOf = new Int32Array(blocks.length).fill(-1)
  const outerLoop = new Int32Array(blocks.length).fill(-1)
  // Inner loops begin later in the order, so each loop finds the loops inside it still without an outer one.
  const heads = flow.order.filter(block => flow.loopHeader[block] === 1)
  for (const head of heads) {
    const inside = new Set<number>([head])
    const isBack = (from: number): boolean => (flow.position[from] as number) >= (flow.position[head] as number)
    const work = (predecessors[head] as number[]).filter(isBack)
    for (let block = work.pop(); block !== undefined; block = work.pop()) {
      if (inside.has(block)) continue
      inside.add(block)
      work.push(...(predecessors[block] as number[]))
    }
    outerLoop[head] = loopOf[head] as number
    for (const block of inside) loopOf[block] = head
  }
  return { loopOf, outerLoop }
}
