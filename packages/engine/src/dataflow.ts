import type { RegionBlock } from './region.ts'
import type { FlowGraph } from '@doppel/wasm'

/** Fills in the blocks' register sets and path lengths. */
export function solveDataflow(
  blocks: readonly RegionBlock[],
  { order, position }: FlowGraph,
  loops: readonly NaturalLoop[],
): void {
  solveLiveness(blocks, order)
  for (const [header, body] of loops) {
    const head = blocks[header] as RegionBlock
    for (const at of body) head.flushed.addAll((blocks[at] as RegionBlock).writes, head.liveIn)
  }
  for (let changed = true; changed; ) {
    changed = false
    for (const at of order) {
      const block = blocks[at] as RegionBlock
      if (block.calls) continue
      for (const next of block.successors) {
        const { dirtyIn, flushed } = blocks[next] as RegionBlock
        if (dirtyIn.addAll(block.dirtyIn, flushed)) changed = true
        if (dirtyIn.addAll(block.writes, flushed)) changed = true
      }
    }
  }
  // A register that may be dirty is stored at exits, so it must hold its value on every path: it is needed too.
  for (const block of blocks) {
    block.liveIn.addAll(block.dirtyIn)
  }
  solveLiveness(blocks, order)
  for (let i = order.length - 1; i >= 0; i--) {
    const here = order[i] as number
    const block = blocks[here] as RegionBlock
    let longest = 0
    for (const next of block.calls ? [] : block.successors) {
      if ((position[next] as number) > i) longest = Math.max(longest, (blocks[next] as RegionBlock).longestPath)
    }
    block.longestPath = longest + block.instructions.length
  }
}

/** Adds to each block's live registers what it needs, and what those after it do. */
function solveLiveness(blocks: readonly RegionBlock[], order: readonly number[]): void {
  for (const block of blocks) block.liveIn.addAll(block.needs)
  for (let changed = true; changed; ) {
    changed = false
    for (let i = order.length - 1; i >= 0; i--) {
      const block = blocks[order[i] as number] as RegionBlock
      if (block.calls) continue
      for (const next of block.successors) {
        if (block.liveIn.addAll((blocks[next] as RegionBlock).liveIn, block.writes)) changed = true
      }
    }
  }
}

/** A natural loop: its head, and its blocks. */
export type NaturalLoop = readonly [head: number, body: ReadonlySet<number>]

/** The natural loop of each back edge. */
export function loopsOf(blocks: readonly RegionBlock[], position: Int32Array): NaturalLoop[] {
  if (!hasLoop(blocks, position)) return []
  const predecessors: number[][] = blocks.map(() => [])
  const reachable = (block: number): boolean => (position[block] as number) >= 0
  blocks.forEach((block, from) => {
    if (reachable(from)) for (const to of block.successors) predecessors[to]?.push(from)
  })
  const loops: NaturalLoop[] = []
  blocks.forEach((block, from) => {
    if (!reachable(from)) return
    for (const header of block.successors) {
      if ((position[header] as number) > (position[from] as number)) continue
      const body = new Set([header])
      const path = [from]
      for (let next = path.pop(); next !== undefined; next = path.pop()) {
        if (body.has(next)) continue
        body.add(next)
        path.push(...(predecessors[next] as number[]))
      }
      loops.push([header, body])
    }
  })
  return loops
}

function hasLoop(blocks: readonly RegionBlock[], position: Int32Array): boolean {
  return blocks.some(({ successors }, from) => {
    const at = position[from] as number
    return at >= 0 && successors.some(to => (position[to] as number) <= at)
  })
}
