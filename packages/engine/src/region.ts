import { analyseFlow } from '@doppel/wasm'
import { type Decoded, newDecoded } from './insn.ts'
import type { RegisterFile } from './layout.ts'
import type { RegisterSlot, Usage } from './usage.ts'

/** Reads the instruction at an offset of a page; false when it does not lie whole in the page or is illegal. */
export type ReadInstruction = (offset: number, out: Decoded) => boolean

/** An instruction of a region, by its offset in the page. */
export interface RegionInstruction {
  readonly offset: number
  readonly decoded: Decoded
}

/** A straight line of instructions. Offsets are within the page. */
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
  /** Most instructions on a path from here to a back edge or the region's end. */
  longestPath: number
}

/** Code with one entry, within one page; block 0 is the entry. */
export interface Region {
  readonly blocks: readonly RegionBlock[]
  /** Each block's place in reverse postorder: an edge to an earlier or equal place is a back edge. */
  readonly order: Int32Array
  readonly usesRuntime: boolean
  readonly instructionCount: number
}

/** Up to two files of 32 registers, as bit masks. */
export class RegisterSet {
  readonly words: Int32Array = new Int32Array(2)

  has(file: number, register: number): boolean {
    return ((this.words[file] as number) & (1 << register)) !== 0
  }
  add(file: number, register: number): void {
    this.words[file] = (this.words[file] as number) | (1 << register)
  }
  /** Adds what `from` has and `except` has not; true when that changed anything. */
  addAll(from: RegisterSet, except?: RegisterSet): boolean {
    let changed = false
    for (let i = 0; i < 2; i++) {
      const before = this.words[i] as number
      const after = before | ((from.words[i] as number) & ~(except?.words[i] ?? 0))
      this.words[i] = after
      if (after !== before) changed = true
    }
    return changed
  }
  copy(): RegisterSet {
    const set = new RegisterSet()
    set.addAll(this)
    return set
  }
}

/** Bounds a region: larger ones compile longer and are left sooner by an unpredicted path. */
const MAX_INSTRUCTIONS = 160
const PAGE_BYTES = 4096

/** True for a jump that keeps a return address: a call, at which a region ends. */
function isCall(decoded: Decoded, usage: Usage): boolean {
  return usage.flow === 'jump' && usage.writes.some(w => decoded[w.slot] !== w.file.zero)
}

/** Where an instruction may go by a constant distance, other than to the next one. */
export function jumpTarget(instruction: RegionInstruction): number {
  return instruction.offset + instruction.decoded.imm
}

/** Collects the code that starts at `root`: breadth first along direct jumps, within the page and the size bound. */
export function discoverRegion(
  root: number,
  read: ReadInstruction,
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): Region | undefined {
  const reached = new Map<number, RegionInstruction>()
  const leaders = new Set<number>([root])
  const queue = [root]
  for (let head = 0; head < queue.length; head++) {
    let offset = queue[head] as number
    while (!reached.has(offset) && reached.size < MAX_INSTRUCTIONS && offset < PAGE_BYTES) {
      const decoded = newDecoded()
      if (!read(offset, decoded)) break
      const instruction = { offset, decoded }
      reached.set(offset, instruction)
      const usage = usages[decoded.row] as Usage
      const next = offset + decoded.lengthBytes
      if (usage.flow === 'next') {
        offset = next
        continue
      }
      if (usage.flow === 'branch') queueLeader(next, leaders, queue)
      if (usage.flow === 'branch' || (usage.flow === 'jump' && !isCall(decoded, usage))) {
        queueLeader(jumpTarget(instruction), leaders, queue)
      }
      break
    }
  }
  if (!reached.has(root)) return undefined
  const blocks = formBlocks(root, reached, leaders, usages, files)
  linkBlocks(blocks, usages)
  return {
    blocks,
    order: solveDataflow(blocks),
    usesRuntime: [...reached.values()].some(i => usages[i.decoded.row]?.usesRuntime),
    instructionCount: reached.size,
  }
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
    const block: RegionBlock = {
      offset: start,
      instructions,
      end: offset,
      successors: [],
      writes: new RegisterSet(),
      needs: new RegisterSet(),
      dirtyIn: new RegisterSet(),
      liveIn: new RegisterSet(),
      longestPath: 0,
    }
    for (const { decoded } of instructions) {
      const usage = usages[decoded.row] as Usage
      forEachRegister(usage.reads, decoded, files, (file, register) => {
        if (!block.writes.has(file, register)) block.needs.add(file, register)
      })
      forEachRegister(usage.writes, decoded, files, (file, register) => block.writes.add(file, register))
    }
    return block
  })
}

/** Calls back for each register that the instruction names in the given way, the zero register left out. */
export function forEachRegister(
  list: readonly { readonly slot: RegisterSlot; readonly file: RegisterFile }[],
  decoded: Decoded,
  files: readonly RegisterFile[],
  each: (file: number, register: number) => void,
): void {
  for (const { slot, file } of list) {
    if (decoded[slot] !== file.zero) each(files.indexOf(file), decoded[slot])
  }
}

function linkBlocks(blocks: readonly RegionBlock[], usages: readonly Usage[]): void {
  const at = new Map(blocks.map((b, i) => [b.offset, i]))
  for (const block of blocks) {
    const last = block.instructions[block.instructions.length - 1] as RegionInstruction
    const usage = usages[last.decoded.row] as Usage
    const targets: number[] = []
    if (usage.flow === 'next' || usage.flow === 'branch') targets.push(block.end)
    if (usage.flow === 'branch' || (usage.flow === 'jump' && !isCall(last.decoded, usage)))
      targets.push(jumpTarget(last))
    block.successors = [...new Set(targets.flatMap(t => at.get(t) ?? []))]
  }
  // An edge that structured code cannot have becomes an exit of the region.
  for (;;) {
    const cut = analyseFlow(blocks.map(b => b.successors)).irreducible
    if (cut.length === 0) return
    for (const [from, to] of cut) {
      const block = blocks[from] as RegionBlock
      block.successors = block.successors.filter(s => s !== to)
    }
  }
}

/** Fills in the blocks' register sets and path lengths; returns their order. */
function solveDataflow(blocks: readonly RegionBlock[]): Int32Array {
  const { order, position } = analyseFlow(blocks.map(b => b.successors))
  for (let changed = true; changed; ) {
    changed = false
    for (const at of order) {
      const block = blocks[at] as RegionBlock
      for (const next of block.successors) {
        const into = (blocks[next] as RegionBlock).dirtyIn
        if (into.addAll(block.dirtyIn)) changed = true
        if (into.addAll(block.writes)) changed = true
      }
    }
  }
  // A register that may be dirty is stored at exits, so it must hold its value on every path: it is needed too.
  for (const block of blocks) {
    block.liveIn.addAll(block.needs)
    block.liveIn.addAll(block.dirtyIn)
  }
  for (let changed = true; changed; ) {
    changed = false
    for (let i = order.length - 1; i >= 0; i--) {
      const block = blocks[order[i] as number] as RegionBlock
      for (const next of block.successors) {
        if (block.liveIn.addAll((blocks[next] as RegionBlock).liveIn, block.writes)) changed = true
      }
    }
  }
  for (let i = order.length - 1; i >= 0; i--) {
    const here = order[i] as number
    const block = blocks[here] as RegionBlock
    let longest = 0
    for (const next of block.successors) {
      if ((position[next] as number) > i) longest = Math.max(longest, (blocks[next] as RegionBlock).longestPath)
    }
    block.longestPath = longest + block.instructions.length
  }
  return position
}
