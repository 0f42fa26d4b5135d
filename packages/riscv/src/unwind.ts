import type { SymbolPlace } from '@doppel/base'
import { followsCall, type FrameLayout, frameLayout } from './prologue.ts'
import type { HartView } from './view.ts'

/**
 * How an address came to be in a stack: it is where the hart is; the code says where it saved it; frame pointers lead there;
 * a trap came there; or it merely lies in the stack and follows a call, so that it may be an older call's.
 */
export type FrameSource = 'pc' | 'saved' | 'frame pointer' | 'trap' | 'guess'

/** An active call: where it is, or will go on. */
export interface StackFrame {
  readonly pc: bigint
  readonly source: FrameSource
}

/** What is known of the guest's code. */
export interface UnwindNames {
  at(address: bigint): SymbolPlace | undefined
  /** True for code that has saved pc, x1 to x31, in this order, at its stack pointer: a trap handler's. */
  savesTrap?(name: string): boolean
}

/** The registers that a stack is followed by. */
export interface StackRegisters {
  readonly pc: bigint
  readonly sp: bigint
  readonly fp: bigint
  /** Known of a call that has made none since it was last seen. */
  readonly ra: bigint | undefined
}

const RA = 1
const SP = 2
const FP = 8
const MAX_FRAMES = 128
const MAX_GUESSES = 32
/** How far from one frame to the next, and how much is looked through for what may be frames. */
const MAX_FRAME_BYTES = 1n << 20n
const MAX_SCAN_BYTES = 16 << 10
const WORD = 8n

/** What code was found to do with its stack, by where it is: for who follows many stacks through the same code. */
export type FrameLayouts = Map<bigint, FrameLayout>

/** Layouts that are remembered: more than any kernel's calls. */
const MAX_LAYOUTS = 100_000

/**
 * The active calls of a hart, the innermost first. Never fails: it ends where nothing more is known. What `layouts` has is not
 * looked for again.
 */
export function unwind(view: HartView, names: UnwindNames, layouts?: FrameLayouts): StackFrame[] {
  const { hart } = view
  let at: StackRegisters = { pc: hart.pc, sp: hart.x(SP), fp: hart.x(FP), ra: hart.x(RA) }
  const frames: StackFrame[] = [{ pc: at.pc, source: 'pc' }]
  while (frames.length < MAX_FRAMES) {
    const found = callerOf(view, names, at, frames.length === 1, layouts)
    if (!found) break
    if (found === 'lost') {
      frames.push(...guesses(view, names, at))
      break
    }
    frames.push({ pc: found.registers.pc, source: found.source })
    at = found.registers
  }
  return frames
}

/** A caller, and how it was found. */
export interface StackCaller {
  readonly registers: StackRegisters
  readonly source: FrameSource
}

/** The caller of a frame; undefined at the stack's end, 'lost' where nothing leads on. */
export function callerOf(
  view: HartView,
  names: UnwindNames,
  at: StackRegisters,
  isInnermost: boolean,
  layouts?: FrameLayouts,
): StackCaller | 'lost' | undefined {
  // A call that never returns may be its function's last instruction.
  const place = names.at(isInnermost || at.ra !== undefined ? at.pc : at.pc - 1n)
  const trap = isInnermost ? undefined : [place?.name, names.at(at.pc)?.name].find(n => n && names.savesTrap?.(n))
  if (trap !== undefined) return trapped(view, at.sp)
  const layout = place && (layouts?.get(at.pc) ?? frameLayout(view, place.address, at.pc))
  if (layout && layouts && layouts.size < MAX_LAYOUTS) layouts.set(at.pc, layout)
  if (layout) {
    // The stack pointer may have moved further, or to another stack, after the frame pointer was set.
    const byPointer = layout.framePointer === undefined ? undefined : at.fp - layout.framePointer
    const near = byPointer !== undefined && isNear(byPointer, at.sp) ? byPointer : at.sp + layout.sizeBytes
    for (const entry of new Set([near, byPointer ?? near])) {
      const ra = layout.returnAt === undefined ? at.ra : view.long(entry + layout.returnAt)
      const fp = layout.framePointerAt === undefined ? at.fp : view.long(entry + layout.framePointerAt)
      if (ra === 0n) return undefined
      const leads = ra !== undefined && (followsCall(view, ra) || isHandler(names, ra))
      if (leads) return { registers: { pc: ra, sp: entry, fp: fp ?? 0n, ra: undefined }, source: 'saved' }
    }
  }
  return byFramePointer(view, at) ?? 'lost'
}

function isHandler(names: UnwindNames, address: bigint): boolean {
  const name = names.at(address)?.name
  return name !== undefined && names.savesTrap?.(name) === true
}
function isNear(address: bigint, sp: bigint): boolean {
  return address >= sp && address - sp <= MAX_FRAME_BYTES && address % WORD === 0n
}

function trapped(view: HartView, at: bigint): StackCaller | undefined {
  const register = (number: number): bigint | undefined => view.long(at + BigInt(number) * WORD)
  const [pc, ra, sp, fp] = [register(0), register(RA), register(SP), register(FP)]
  if (pc === undefined || sp === undefined || fp === undefined) return undefined
  return { registers: { pc, sp, fp, ra }, source: 'trap' }
}

/** The frame pointer is where the frame ends; below it are the return address and the caller's frame pointer. */
function byFramePointer(view: HartView, { sp, fp }: StackRegisters): StackCaller | undefined {
  if (!isNear(fp, sp) || fp === sp) return undefined
  const [pc, next] = [view.long(fp - WORD), view.long(fp - 2n * WORD)]
  if (pc === undefined || next === undefined || !followsCall(view, pc)) return undefined
  return { registers: { pc, sp: fp, fp: next, ra: undefined }, source: 'frame pointer' }
}

/** All that lies in the stack and may be a call's. */
function guesses(view: HartView, names: UnwindNames, { sp, ra }: StackRegisters): StackFrame[] {
  const found: StackFrame[] = []
  const note = (pc: bigint | undefined): void => {
    if (pc === undefined || found.length === MAX_GUESSES || !names.at(pc) || !followsCall(view, pc)) return
    found.push({ pc, source: 'guess' })
  }
  note(ra)
  const bytes = view.read(sp & ~7n, MAX_SCAN_BYTES)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 8 <= bytes.length; at += 8) note(words.getBigUint64(at, true))
  return found
}
