import { analyseFlow, type FlowGraph } from '@doppel/wasm'
import { type AccessGroup, groupAccesses } from './accesses.ts'
import { loopsOf, solveDataflow } from './dataflow.ts'
import { type Decoded, newDecoded } from './insn.ts'
import type { RegisterFile } from './layout.ts'
import { RegisterSet } from './register-set.ts'
import { registerIn, type Usage } from './usage.ts'

/** Reads the instruction at an offset of a page; false when it does not lie whole in the page or is illegal. */
export type ReadInstruction = (offset: number, out: Decoded) => boolean

/** An instruction of a region, by its offset in the page. */
export interface RegionInstruction {
  readonly offset: number
  readonly decoded: Decoded
  /** The run of accesses that its own belongs to. */
  group: AccessGroup | undefined
  /** It jumps to a computed address, and goes on at the region's dispatch block. */
  dispatches: boolean
}

/** Where computed jumps of an instruction may go, as far as is known: offsets in the page; none where nothing is. */
export type KnownTargets = (decoded: Decoded) => readonly number[]
const NO_TARGETS: KnownTargets = () => []

/**
 * A straight line of instructions. Offsets are within the page. One block may have none: the dispatch block, which all computed
 * jumps go to, and which goes on where the address says.
 */
export interface RegionBlock {
  readonly offset: number
  readonly instructions: readonly RegionInstruction[]
  /** Offset after the last instruction. */
  readonly end: number
  /** Blocks that follow inside the region, by index. */
  successors: number[]
  /** Registers (see `registerBit`) written here, read before being written, and possibly written on the way here. */
  readonly writes: RegisterSet
  readonly needs: RegisterSet
  readonly dirtyIn: RegisterSet
  readonly liveIn: RegisterSet
  /** At a loop's head: registers that each round sets anew, stored on the way in so that no round keeps the last one's. */
  readonly flushed: RegisterSet
  /** It ends in a call; what follows is where that returns to, with every register as memory has it. */
  readonly calls: boolean
  /** Most instructions on a path from here to a back edge or the region's end. */
  longestPath: number
}

/** Code with one entry, within one page; block 0 is the entry. */
export interface Region {
  readonly blocks: readonly RegionBlock[]
  /** Each block's place in reverse postorder: an edge to an earlier or equal place is a back edge. */
  readonly order: Int32Array
  readonly instructionCount: number
}

/** Bounds a region: larger ones compile longer and are left sooner by an unpredicted path. */
const MAX_INSTRUCTIONS = 160
/** From this size on a region does not go on past calls. */
const MAX_WITH_CALLS = 48
/** So many instructions of what follows a loop belong to its region. */
const AFTER_LOOP = 16
/** A switch in a loop is worth having whole. */
const MAX_WITH_DISPATCH = 400
const PAGE_BYTES = 4096

/** What stands for the dispatch block's place: after all of the page's, and odd, so that no code falls or jumps there. */
export const DISPATCH_OFFSET: number = PAGE_BYTES + 1

/** True for a jump that keeps a return address: a call, after which the region goes on. */
export function isCall(decoded: Decoded, usage: Usage): boolean {
  const jumps = usage.flow === 'jump' || usage.flow === 'indirect'
  return jumps && usage.writes.some(w => decoded[w.slot] !== w.file.zero)
}

/** Where an instruction may go by a constant distance, other than to the next one. */
export function jumpTarget(instruction: RegionInstruction): number {
  return instruction.offset + instruction.decoded.imm
}

/** What lies ahead of an offset: instructions by their offsets, and where blocks begin. */
export interface Explored {
  readonly reached: Map<number, RegionInstruction>
  readonly leaders: Set<number>
  /** Where computed jumps go. */
  readonly targets: Set<number>
}

/**
 * Reads the code that starts at `root`: breadth first along direct jumps, within the page and the size bound, and not
 * into `barrier`, if that is an offset.
 */
export function explore(
  root: number,
  read: ReadInstruction,
  usages: readonly Usage[],
  barrier = -1,
  known: KnownTargets = NO_TARGETS,
): Explored {
  const reached = new Map<number, RegionInstruction>()
  const leaders = new Set<number>([root])
  const targets = new Set<number>()
  let room = MAX_INSTRUCTIONS
  const queue = [root]
  for (let head = 0; head < queue.length; head++) {
    let offset = queue[head] as number
    while (!reached.has(offset) && reached.size < room && offset < PAGE_BYTES && offset !== barrier) {
      const decoded = newDecoded()
      if (!read(offset, decoded)) break
      const instruction: RegionInstruction = { offset, decoded, group: undefined, dispatches: false }
      reached.set(offset, instruction)
      const usage = usages[decoded.row] as Usage
      const next = offset + decoded.lengthBytes
      if (usage.flow === 'next') {
        offset = next
        continue
      }
      if (usage.flow === 'indirect' && !isCall(decoded, usage)) {
        const found = known(decoded)
        if (found.length === 0) break
        instruction.dispatches = true
        room = MAX_WITH_DISPATCH
        for (const target of found) {
          targets.add(target)
          queueLeader(target, leaders, queue)
        }
        break
      }
      const returns = reached.size < MAX_WITH_CALLS && isCall(decoded, usage)
      if (usage.flow === 'branch' || returns) queueLeader(next, leaders, queue)
      if (usage.flow === 'branch' || (usage.flow === 'jump' && !isCall(decoded, usage))) {
        queueLeader(jumpTarget(instruction), leaders, queue)
      }
      break
    }
  }
  return { reached, leaders, targets }
}

/**
 * The head of the innermost loop around an offset that is really gone round, by the backward jumps over the offset; the
 * offset itself outside loops. `isHot` tells whether an offset is often jumped to.
 */
export function loopHead(
  offset: number,
  { reached }: Explored,
  usages: readonly Usage[],
  isHot: (offset: number) => boolean,
): number {
  let head = -1
  for (const instruction of reached.values()) {
    const { flow } = usages[instruction.decoded.row] as Usage
    const loops =
      flow === 'branch' || (flow === 'jump' && !isCall(instruction.decoded, usages[instruction.decoded.row] as Usage))
    if (!loops || instruction.offset < offset) continue
    const target = jumpTarget(instruction)
    if (target <= offset && target > head && target >= 0 && isHot(target)) head = target
  }
  return head < 0 ? offset : head
}

/** True for a region with a dispatch block from which no way leads back to its root: a switch that is not the loop's own. */
export function dispatchesInVain({ blocks }: Region): boolean {
  const path = blocks.flatMap((block, i) => (block.offset === DISPATCH_OFFSET ? [i] : []))
  if (path.length === 0) return false
  const seen = new Set(path)
  for (let at = path.pop(); at !== undefined; at = path.pop()) {
    for (const next of (blocks[at] as RegionBlock).successors) {
      if (next === 0) return false
      if (!seen.has(next)) path.push(next)
      seen.add(next)
    }
  }
  return true
}

/** Makes a region of what has been explored from `root` on. */
export function discoverRegion(
  root: number,
  { reached, leaders, targets }: Explored,
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): Region | undefined {
  if (!reached.has(root)) return undefined
  const form = (): RegionBlock[] => {
    const formed = formBlocks(root, reached, leaders, usages, files)
    if (targets.size > 0) formed.push(newBlock(DISPATCH_OFFSET, [], DISPATCH_OFFSET, false))
    return formed
  }
  let blocks = form()
  let flow = linkBlocks(blocks, usages, targets)
  if (leaveOutWhatFollows(blocks, reached)) {
    blocks = form()
    flow = linkBlocks(blocks, usages, targets)
  }
  const loops = loopsOf(blocks, flow.position)
  solveDataflow(blocks, flow, loops)
  groupAccesses(blocks, loops, usages, files)
  return { blocks, order: flow.position, instructionCount: reached.size }
}

/**
 * Takes out of `reached` what lies far behind the loop that the root is the head of: it is seldom gone on to, and costs as much
 * to compile as what is gone round. False for a root that heads no loop, or where nothing lies so far.
 */
function leaveOutWhatFollows(blocks: readonly RegionBlock[], reached: Map<number, RegionInstruction>): boolean {
  const predecessors: number[][] = blocks.map(() => [])
  blocks.forEach(({ successors }, from) => {
    for (const to of successors) predecessors[to]?.push(from)
  })
  const kept = new Set([0])
  const path = [0]
  for (let at = path.pop(); at !== undefined; at = path.pop()) {
    for (const from of predecessors[at] as number[]) {
      if (!kept.has(from)) path.push(from)
      kept.add(from)
    }
  }
  if ((predecessors[0] as number[]).length === 0) return false
  // Breadth first, so that each block is come to by a shortest way, nearly.
  const queue = [...kept].map(block => ({ block, distance: 0 }))
  for (const { block, distance } of queue) {
    for (const next of (blocks[block] as RegionBlock).successors) {
      if (kept.has(next) || distance >= AFTER_LOOP) continue
      kept.add(next)
      queue.push({ block: next, distance: distance + (blocks[next] as RegionBlock).instructions.length })
    }
  }
  blocks.forEach(({ instructions }, i) => {
    if (!kept.has(i)) for (const { offset } of instructions) reached.delete(offset)
  })
  return kept.size < blocks.length
}

function queueLeader(offset: number, leaders: Set<number>, queue: number[]): void {
  if (offset < 0 || offset >= PAGE_BYTES || leaders.has(offset)) return
  leaders.add(offset)
  queue.push(offset)
}

function formBlocks(
  root: number,
  reached: ReadonlyMap<number, RegionInstruction>,
  leaders: ReadonlySet<number>,
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): RegionBlock[] {
  const starts = [root, ...[...leaders].filter(l => l !== root && reached.has(l))]
  return starts.map(start => {
    const instructions: RegionInstruction[] = []
    let offset = start
    for (;;) {
      const instruction = reached.get(offset)
      if (!instruction || (offset !== start && leaders.has(offset))) break
      instructions.push(instruction)
      offset += instruction.decoded.lengthBytes
      if (usages[instruction.decoded.row]?.flow !== 'next') break
    }
    const last = instructions[instructions.length - 1] as RegionInstruction
    const calls = isCall(last.decoded, usages[last.decoded.row] as Usage)
    const block = newBlock(start, instructions, offset, calls)
    for (const { decoded } of instructions) {
      const usage = usages[decoded.row] as Usage
      for (const { slot, file } of usage.reads) {
        const register = registerIn(decoded, slot)
        const index = file === files[0] ? 0 : 1
        if (register !== file.zero && !block.writes.has(index, register)) block.needs.add(index, register)
      }
      for (const { slot, file } of usage.writes) {
        const register = registerIn(decoded, slot)
        if (register !== file.zero) block.writes.add(file === files[0] ? 0 : 1, register)
      }
    }
    return block
  })
}

function newBlock(offset: number, instructions: RegionInstruction[], end: number, calls: boolean): RegionBlock {
  return {
    offset,
    instructions,
    end,
    successors: [],
    writes: new RegisterSet(),
    needs: new RegisterSet(),
    dirtyIn: new RegisterSet(),
    liveIn: new RegisterSet(),
    flushed: new RegisterSet(),
    calls,
    longestPath: 0,
  }
}

/** Finds each block's successors; edges that structured code cannot have become exits of the region. */
function linkBlocks(blocks: readonly RegionBlock[], usages: readonly Usage[], targets: ReadonlySet<number>): FlowGraph {
  const at = new Map<number, number>()
  for (let i = 0; i < blocks.length; i++) at.set((blocks[i] as RegionBlock).offset, i)
  for (const block of blocks) {
    const last = block.instructions[block.instructions.length - 1]
    if (last === undefined) {
      for (const target of targets) {
        const found = at.get(target)
        if (found !== undefined) block.successors.push(found)
      }
      continue
    }
    if (last.dispatches) {
      block.successors.push(at.get(DISPATCH_OFFSET) as number)
      continue
    }
    const { flow } = usages[last.decoded.row] as Usage
    const next = flow === 'next' || flow === 'branch' || block.calls ? at.get(block.end) : undefined
    const jumps = flow === 'branch' || (flow === 'jump' && !block.calls)
    const taken = jumps ? at.get(jumpTarget(last)) : undefined
    if (next !== undefined) block.successors.push(next)
    if (taken !== undefined && taken !== next) block.successors.push(taken)
  }
  // The root is mostly the head of an inner loop. What leads to it from above is the way in, again and again, from an
  // outer loop: were that an edge, both loops would be one, and what only the outer one keeps would burden the inner.
  const root = blocks[0] as RegionBlock
  for (const block of blocks) {
    if (block.offset < root.offset && block.successors.includes(0)) {
      block.successors = block.successors.filter(s => s !== 0)
    }
  }
  for (;;) {
    const flow = analyseFlow(blocks.map(b => b.successors))
    if (flow.irreducible.length === 0) return flow
    for (const [from, to] of flow.irreducible) {
      const block = blocks[from] as RegionBlock
      block.successors = block.successors.filter(s => s !== to)
    }
  }
}
