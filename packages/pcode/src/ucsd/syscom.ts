/**
 * The system communication area, through which system and interpreter know one another: byte offsets of its words (II.0
 * SYSCOMREC; fields of one declaration stand in reverse).
 */
export const Syscom = {
  ioResult: 0,
  executionError: 2,
  systemUnit: 4,
  bugState: 6,
  globalDirectory: 8,
  bombFrame: 10,
  stackBase: 12,
  lastFrame: 14,
  jumpTable: 16,
  segment: 18,
  memoryTop: 20,
  bombIpc: 22,
  haltLine: 24,
  breakpoints: 26,
  lowTime: 54,
  highTime: 56,
  miscInfo: 58,
  crtControl: 62,
  crtInfo: 74,
  segmentTable: 96,
} as const

/** Breakpoints that the system can set. */
export const BREAKPOINTS = 4
/** Segments that the table has room for, and the bytes of each: unit, block, length in bytes. */
export const SEGMENTS = 32
export const SEGMENT_ENTRY_BYTES = 6
/** Bytes of the whole area, with what later versions have behind the table. */
export const SYSCOM_BYTES = 340

/** Bits of the word `miscInfo`. */
export const MiscInfo = {
  hasClock: 1,
  has8510a: 2,
  hasLowerCase: 4,
  hasGotoXy: 8,
  slowTerminal: 16,
  stupid: 32,
  noBreak: 64,
  isFlipped: 512,
  isWordMachine: 1024,
} as const

/** Characters that the terminal is controlled with: byte offsets in `crtControl`. */
export const CrtControl = {
  escape: 0,
  home: 1,
  eraseToEndOfScreen: 2,
  eraseToEndOfLine: 3,
  right: 4,
  up: 5,
  backspace: 6,
  clearLine: 8,
  clearScreen: 9,
} as const

/** Characters that keys give: byte offsets in `crtInfo`, whose first words are height and width. */
export const CrtInfo = {
  height: 0,
  width: 2,
  up: 4,
  down: 5,
  left: 6,
  right: 7,
  eof: 8,
  flush: 9,
  break: 10,
  stop: 11,
  deleteCharacter: 12,
  deleteLine: 14,
  escape: 15,
  etx: 17,
} as const
