import { HEAP_STATE_BYTES } from './heap.ts'
import type { Program } from '../program/program.ts'

/** Where things stand in a program's memory. */
export interface Layout {
  readonly constants: number
  readonly globals: number
  /** Frames, upwards. */
  readonly stack: number
  readonly stackEnd: number
  /** What the heap knows of itself, then its blocks. */
  readonly heapState: number
  readonly heapBase: number
  /** No address at or above this one is ever there. */
  readonly limit: number
}

/** The first addresses stay zero: nil is one of them, and no block header is found there. */
const FIRST_ADDRESS = 64
const ALIGNMENT = 16
/** The stack of frames, unless said otherwise. */
export const DEFAULT_STACK_BYTES = 0x100_0000
/** All of a program's memory, unless said otherwise. */
export const DEFAULT_MEMORY_BYTES = 0x2000_0000

/** Before a frame on the stack stands the address of the enclosing routine's frame. */
export const FRAME_HEADER_BYTES = 8
const FRAME_ALIGNMENT = 8

/** The bytes that a frame takes on the stack, which begins and stays aligned. */
export function frameSize(bytes: number): number {
  return FRAME_HEADER_BYTES + ((bytes + FRAME_ALIGNMENT - 1) & -FRAME_ALIGNMENT)
}

const aligned = (n: number): number => (n + ALIGNMENT - 1) & -ALIGNMENT

/** Lays out a program's memory: constants, globals, stack, heap. */
export function layoutOf(
  program: Program,
  stackBytes: number = DEFAULT_STACK_BYTES,
  memoryBytes: number = DEFAULT_MEMORY_BYTES,
): Layout {
  const constants = FIRST_ADDRESS
  const globals = aligned(constants + program.constants.length)
  const stack = aligned(globals + program.globalBytes)
  const stackEnd = aligned(stack + stackBytes)
  const heapBase = stackEnd + HEAP_STATE_BYTES
  return { constants, globals, stack, stackEnd, heapState: stackEnd, heapBase, limit: heapBase + memoryBytes }
}
