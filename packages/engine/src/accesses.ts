import type { NaturalLoop } from './dataflow.ts'
import type { Decoded } from './insn.ts'
import type { RegionBlock } from './region.ts'
import { RegisterSet } from './register-set.ts'
import type { RegisterFile } from './layout.ts'
import type { Spread } from './spread.ts'
import { type BaseAccess, registerIn, type Usage } from './usage.ts'

/**
 * A run of loads, or of stores, at one register that does not change between them: one TLB check of the whole span serves
 * all of them.
 */
export interface AccessGroup {
  readonly file: RegisterFile
  readonly register: number
  readonly store: boolean
  /** The span: from the register plus `low` to the register plus `end`, exclusive. */
  low: number
  end: number
  count: number
  /** In a loop where the register mostly points into one page: the page found last is kept in locals. */
  cached: boolean
  /** Groups with the same anchors, a mask, keep one page together. */
  anchors: number
}

/** Spans stay well below a page, so that crossing one is rare. */
const MAX_SPAN = 512
/** What moves about within so many bytes mostly stays in one page. */
const NEAR_BYTES = 2048
const REGISTERS = 32

/** Finds the groups of a region and notes them at their instructions. */
export function groupAccesses(
  blocks: readonly RegionBlock[],
  naturalLoops: readonly NaturalLoop[],
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): void {
  const loops = innermostLoops(blocks, naturalLoops)
  const changedIn = new Map<ReadonlySet<number>, RegisterSet>()
  const places = new Places()
  blocks.forEach((block, at) => {
    const open: (AccessGroup | undefined)[] = []
    const loop = loops[at]
    if (loop) {
      const changed = changedIn.get(loop) ?? changedRegisters(loop, blocks, usages, files)
      changedIn.set(loop, changed)
      places.start(changed.of(0))
    }
    for (const instruction of block.instructions) {
      const { decoded } = instruction
      const usage = usages[decoded.row] as Usage
      const { access } = usage
      const register = access ? registerIn(decoded, access.slot) : 0
      if (access && register !== access.file.zero) {
        const key = register * 2 + (access.store ? 1 : 0)
        const known = open[key]
        if (known && join(known, access, decoded.imm)) instruction.group = known
        else {
          const cached = loop !== undefined && places.staysNear(register)
          const anchors = places.anchors(register)
          const { file, store } = access
          const [low, end] = [decoded.imm, decoded.imm + access.bytes]
          open[key] = instruction.group = { file, register, store, low, end, count: 1, cached, anchors }
        }
      }
      for (const { slot, file } of usage.writes) {
        const register = registerIn(decoded, slot)
        if (file !== files[0] || register === file.zero) continue
        open[register * 2] = open[register * 2 + 1] = undefined
        if (loop) places.write(register, decoded, usage.spread)
      }
    }
  })
}

/** Adds an access to a group; false when the span would grow too large. */
function join(group: AccessGroup, access: BaseAccess, offset: number): boolean {
  const low = Math.min(group.low, offset)
  const end = Math.max(group.end, offset + access.bytes)
  if (end - low > MAX_SPAN) return false
  group.low = low
  group.end = end
  group.count++
  return true
}

/** For each block the smallest natural loop that it is in, as a set of blocks. */
function innermostLoops(
  blocks: readonly RegionBlock[],
  loops: readonly NaturalLoop[],
): readonly (ReadonlySet<number> | undefined)[] {
  const inner: (ReadonlySet<number> | undefined)[] = blocks.map(() => undefined)
  for (const [, body] of loops) {
    for (const block of body) {
      const known = inner[block]
      if (!known || body.size < known.size) inner[block] = body
    }
  }
  return inner
}

/** Integer registers that a loop changes otherwise than by adding to them what it does not change. */
function changedRegisters(
  loop: ReadonlySet<number>,
  blocks: readonly RegionBlock[],
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): RegisterSet {
  const written = new RegisterSet()
  for (const at of loop) written.addAll((blocks[at] as RegionBlock).writes)
  const changed = new RegisterSet()
  for (const at of loop) {
    for (const { decoded } of (blocks[at] as RegionBlock).instructions) {
      const { writes, spread } = usages[decoded.row] as Usage
      for (const { slot, file } of writes) {
        const register = registerIn(decoded, slot)
        if (file !== files[0] || register === file.zero) continue
        const steps =
          spread?.own === 0 &&
          spread.terms.every(term => {
            const from = registerIn(decoded, term.slot)
            return from === register ? term.shift === 0 : !written.has(0, from)
          })
        if (!steps) changed.add(0, register)
      }
    }
  }
  return changed
}

/** Where in memory registers point, at an instruction of a loop: how far that lies from where they point in other rounds. */
class Places {
  readonly #spread = new Float64Array(REGISTERS)
  /** Registers that a value was made of and that themselves only step: where those are the same, it is the same place. */
  readonly #anchors = new Uint32Array(REGISTERS)
  #changed = 0

  /** At a block's start nothing is known of the registers of the mask `changed`. */
  start(changed: number): void {
    this.#changed = changed
    for (let register = 0; register < REGISTERS; register++) {
      this.#spread[register] = (changed >>> register) & 1 ? Infinity : 0
      this.#anchors[register] = register === 0 ? 0 : 1 << register
    }
  }
  /** True for a register that mostly points into one page. */
  staysNear(register: number): boolean {
    return (this.#spread[register] as number) <= NEAR_BYTES
  }
  /** A mask that is equal for registers that point near each other. What is made of constants alone is near nothing else. */
  anchors(register: number): number {
    return (this.#anchors[register] as number) || 1 << register
  }
  /** Takes note of what an instruction writes. */
  write(register: number, decoded: Decoded, spread: Spread | undefined): void {
    if (((this.#changed >>> register) & 1) === 0) return
    let far = spread === undefined ? Infinity : spread.own === 'imm' ? boundOf(decoded.imm) : spread.own
    let anchors = 0
    for (const { slot, shift } of spread?.terms ?? []) {
      const from = registerIn(decoded, slot)
      far += (this.#spread[from] as number) * 2 ** (shift === 'imm' ? decoded.imm : shift)
      anchors |= this.#anchors[from] as number
    }
    this.#spread[register] = far
    this.#anchors[register] = anchors
  }
}

/** The greatest value of what is masked by an immediate. */
function boundOf(mask: number): number {
  return mask >= 0 ? mask : Infinity
}
