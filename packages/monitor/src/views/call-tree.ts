/** How often something was in a call, and in which calls from there. */
export interface CallNode {
  readonly name: string
  /** Samples of it and all it called. */
  samples: number
  readonly calls: Map<string, CallNode>
}

/** More different calls than this are no picture: what comes late is counted with its caller. */
const MAX_NODES = 200_000

/** Stacks put together by what they have in common, from the outermost call on. */
export class CallTree {
  readonly root: CallNode = { name: 'all', samples: 0, calls: new Map() }
  #nodes = 0

  /** Adds a sample; its stack is the outermost call first. */
  add(stack: readonly string[]): void {
    let at = this.root
    at.samples++
    for (const name of stack) {
      let next = at.calls.get(name)
      if (!next) {
        if (this.#nodes === MAX_NODES) return
        this.#nodes++
        at.calls.set(name, (next = { name, samples: 0, calls: new Map() }))
      }
      next.samples++
      at = next
    }
  }
  /** The stacks with their own samples, as `a;b;c` (the folded form of flame graph tools). */
  *folded(): Generator<readonly [stack: readonly string[], samples: number]> {
    const pending: (readonly [CallNode, readonly string[]])[] = [[this.root, []]]
    for (let next = pending.pop(); next; next = pending.pop()) {
      const [node, path] = next
      const below = [...node.calls.values()]
      const own = node.samples - below.reduce((sum, { samples }) => sum + samples, 0)
      if (own > 0) yield [path, own]
      for (const child of below) pending.push([child, [...path, child.name]])
    }
  }
}
