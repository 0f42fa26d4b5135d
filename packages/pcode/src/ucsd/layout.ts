/**
 * Where things are in the machine's WebAssembly memory. The p-machine's own 64 KiB come first: its words in the order
 * of WebAssembly, whatever its byte sex; bytes are at their address, with the lowest bit changed on a big-endian one.
 */
export const MEMORY_BYTES = 0x1_0000

/** Behind memory is a gap that code which runs on is read from: it is full of an opcode that is none. */
export const GAP_BYTES = 0x1000
export const GAP_OPCODE = 210

/** Addresses of registers while generated code does not run, a word of 32 bits each. */
export const Register = {
  sp: 0x1_1000,
  /** The absolute address of the next byte of code. */
  ipc: 0x1_1004,
  mp: 0x1_1008,
  base: 0x1_100c,
  jtab: 0x1_1010,
  seg: 0x1_1014,
  kp: 0x1_1018,
  np: 0x1_101c,
  /** The frame of the system's outermost procedure. */
  systemFrame: 0x1_1020,
  syscom: 0x1_1024,
  /** The instruction that is being done. */
  instruction: 0x1_1028,
  /** The execution error that is raised. */
  error: 0x1_102c,
  /** The attribute table of the procedure in native code that is called. */
  native: 0x1_1030,
  /** A call to be made before anything else: 1, its segment, procedure and static link. */
  calls: 0x1_1034,
  callSegment: 0x1_1038,
  callProcedure: 0x1_103c,
  callLink: 0x1_1040,
  /** Instructions that could still be done when generated code was left. */
  budget: 0x1_1044,
} as const

/** Segments by number: how often each is in use, and its address. */
export const SEGMENT_NUMBERS = 256
export const SEGMENT_USES = 0x1_1100
export const SEGMENT_ADDRESSES: number = SEGMENT_USES + 4 * SEGMENT_NUMBERS

/**
 * The evaluation stack, which grows down, and as much room below and above it as code without a jump can move it by: the
 * 64 KiB of code have no instruction that takes or puts more than eight bytes for each of its own, apart from those that
 * look where the stack is (as jumps, calls and returns do).
 */
export const STACK_ROOM_BYTES = 0x8_0000
export const STACK_LOW = 0x9_2000
export const STACK_BYTES = 0x8000
export const STACK_HIGH: number = STACK_LOW + STACK_BYTES

/** Pages that all this takes. */
export const MEMORY_PAGES = 18
