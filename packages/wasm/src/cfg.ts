/** What structuring needs to know of a control-flow graph. Blocks are numbered from 0; block 0 is the entry. */
export interface FlowGraph {
  /** Blocks reachable from the entry, in reverse postorder. */
  readonly order: readonly number[]
  /** Position in `order`; -1 when unreachable. */
  readonly position: Int32Array
  /** Immediate dominator; the entry's is itself. */
  readonly dominator: Int32Array
  /** 1 for blocks that a back edge enters. */
  readonly loopHeader: Uint8Array
  /** Forward edges into each block. */
  readonly forwardEdges: Int32Array
  /** Retreating edges whose target does not dominate their source, as [from, to]: no structured code has them. */
  readonly irreducible: readonly (readonly [number, number])[]
}

/** Orders a graph and finds its dominators (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001). */
export function analyseFlow(successors: readonly (readonly number[])[]): FlowGraph {
  const order = reversePostorder(successors)
  const position = new Int32Array(successors.length).fill(-1)
  order.forEach((block, at) => (position[block] = at))
  const predecessors: number[][] = successors.map(() => [])
  for (const block of order) for (const next of successors[block] as readonly number[]) predecessors[next]?.push(block)

  const dominator = new Int32Array(successors.length).fill(-1)
  dominator[0] = 0
  const meet = (a: number, b: number): number => {
    while (a !== b) {
      while ((position[a] as number) > (position[b] as number)) a = dominator[a] as number
      while ((position[b] as number) > (position[a] as number)) b = dominator[b] as number
    }
    return a
  }
  for (let changed = true; changed; ) {
    changed = false
    for (let at = 1; at < order.length; at++) {
      const block = order[at] as number
      let candidate = -1
      for (const from of predecessors[block] as number[]) {
        if (dominator[from] === -1) continue
        candidate = candidate === -1 ? from : meet(from, candidate)
      }
      if (dominator[block] !== candidate) {
        dominator[block] = candidate
        changed = true
      }
    }
  }
  return { order, position, dominator, ...classifyEdges(successors, order, position, dominator) }
}

function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const order: number[] = []
  const seen = new Uint8Array(successors.length)
  const path: number[] = [0]
  const nextChild: number[] = [0]
  seen[0] = 1
  while (path.length > 0) {
    const block = path[path.length - 1] as number
    const list = successors[block] as readonly number[]
    const child = nextChild[nextChild.length - 1] as number
    // The last successor is visited first, so that the first comes next in the finished order.
    if (child < list.length) {
      nextChild[nextChild.length - 1] = child + 1
      const to = list[list.length - 1 - child] as number
      if (seen[to]) continue
      seen[to] = 1
      path.push(to)
      nextChild.push(0)
    } else {
      order.push(block)
      path.pop()
      nextChild.pop()
    }
  }
  return order.reverse()
}

function classifyEdges(
  successors: readonly (readonly number[])[],
  order: readonly number[],
  position: Int32Array,
  dominator: Int32Array,
): Pick<FlowGraph, 'loopHeader' | 'forwardEdges' | 'irreducible'> {
  const loopHeader = new Uint8Array(successors.length)
  const forwardEdges = new Int32Array(successors.length)
  const irreducible: [number, number][] = []
  const dominates = (a: number, b: number): boolean => {
    while ((position[b] as number) > (position[a] as number)) b = dominator[b] as number
    return a === b
  }
  for (const from of order) {
    for (const to of successors[from] as readonly number[]) {
      if ((position[to] as number) > (position[from] as number)) forwardEdges[to] = (forwardEdges[to] as number) + 1
      else if (dominates(to, from)) loopHeader[to] = 1
      else irreducible.push([from, to])
    }
  }
  return { loopHeader, forwardEdges, irreducible }
}
