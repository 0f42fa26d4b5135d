import type { NaturalLoop } from './dataflow.ts'
import type { RegionBlock } from './region.ts'
import { RegisterSet } from './register-set.ts'
import type { RegisterFile } from './layout.ts'
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
  /** In a loop that only ever steps the register: the page found last is kept in locals. */
  cached: boolean
}

/** Spans stay well below a page, so that crossing one is rare. */
const MAX_SPAN = 512

/** Finds the groups of a region and notes them at their instructions. */
export function groupAccesses(
  blocks: readonly RegionBlock[],
  naturalLoops: readonly NaturalLoop[],
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): void {
  const loops = innermostLoops(blocks, naturalLoops)
  const changedIn = new Map<ReadonlySet<number>, RegisterSet>()
  blocks.forEach((block, at) => {
    const open: (AccessGroup | undefined)[] = []
    const loop = loops[at]
    let changed: RegisterSet | undefined
    if (loop) {
      changed = changedIn.get(loop) ?? changedRegisters(loop, blocks, usages, files)
      changedIn.set(loop, changed)
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
          const cached = changed !== undefined && !changed.has(files.indexOf(access.file), register)
          const { file, store } = access
          const group = { file, register, store, low: decoded.imm, end: decoded.imm + access.bytes, count: 1, cached }
          open[key] = instruction.group = group
        }
      }
      for (const { slot, file } of usage.writes) {
        const changes = registerIn(decoded, slot) * 2
        if (file === files[0]) open[changes] = open[changes + 1] = undefined
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

/** Registers that a loop changes otherwise than by adding an immediate. */
function changedRegisters(
  loop: ReadonlySet<number>,
  blocks: readonly RegionBlock[],
  usages: readonly Usage[],
  files: readonly RegisterFile[],
): RegisterSet {
  const changed = new RegisterSet()
  for (const at of loop) {
    for (const { decoded } of (blocks[at] as RegionBlock).instructions) {
      const { writes, increments } = usages[decoded.row] as Usage
      for (const { slot, file } of writes) {
        const register = registerIn(decoded, slot)
        if (increments !== undefined && registerIn(decoded, increments) === register) continue
        changed.add(file === files[0] ? 0 : 1, register)
      }
    }
  }
  return changed
}
