/** A mark stack control word: byte offsets of its fields from the frame's address (MP). II.0, “Program stack”. */
export const Frame = {
  /** The program stack before the call, below what the literature draws. */
  programStack: -2,
  staticLink: 0,
  dynamicLink: 2,
  jumpTable: 4,
  segment: 6,
  /** The address to go on at. */
  ipc: 8,
  evaluationStack: 10,
} as const

/** Variables have word offsets from 1: this and twice the offset. */
export const VARIABLES = 10
/** Bytes of a mark stack control word, and of what lies below it. */
export const FRAME_BYTES = 12
export const BELOW_FRAME_BYTES = 2

/** A procedure's attribute table: byte offsets from its address (JTAB). The word at it is number and lexical level. */
export const Attribute = {
  enter: -2,
  exit: -4,
  parameterBytes: -6,
  dataBytes: -8,
} as const
