/** A register as a debugger knows it. */
export interface DebugRegister {
  readonly name: string
  readonly bits: number
  /** What it holds, in GDB's words (`code_ptr`, `data_ptr`, `ieee_double`); an integer where absent. */
  readonly type?: string
  /** Where a debugger lists it, in GDB's words (`general`, `float`, `csr`). */
  readonly group?: string
}

/** Registers that belong together, by the name that GDB's target descriptions have for them. */
export interface DebugFeature {
  readonly name: string
  readonly registers: readonly DebugRegister[]
}

/** Which accesses are watched. */
export type WatchKind = 'read' | 'write' | 'access'

/** Why a thread has stopped: at a breakpoint, or before an instruction that accesses what is watched, at an address. */
export interface DebugStop {
  readonly thread: number
  readonly watched?: { readonly address: bigint; readonly kind: WatchKind }
  /** An event that the machine was to stop at, for people. */
  readonly event?: string
}

/**
 * What a debugger drives: one machine's threads of execution (harts, processors), numbered from 0. Asked only while the
 * machine stands still. Registers are numbered through all features, in order; bytes are as the machine has them in memory.
 */
export interface DebugTarget {
  /** The architecture's name in GDB's words, e.g. `riscv:rv64`. */
  readonly architecture: string
  /** The first one is what is read at each stop. */
  readonly features: readonly DebugFeature[]
  readonly threads: number
  /** What a thread does, for people. */
  describe(thread: number): string
  /** Undefined when there is no such register, or it may not be read now. */
  readRegister(thread: number, register: number): Uint8Array | undefined
  /** False when nothing was written. */
  writeRegister(thread: number, register: number, bytes: Uint8Array): boolean
  /** Reads memory as a thread sees it, or by physical address: as many bytes as can be read from there on. */
  readMemory(thread: number, address: bigint, lengthBytes: number, physical: boolean): Uint8Array
  /** False when not all of it is memory that can be written; then part of it may have been. */
  writeMemory(thread: number, address: bigint, bytes: Uint8Array, physical: boolean): boolean
  /** Sets a breakpoint at an address as a thread sees it; one that is not mapped yet takes effect once it is run. */
  setBreakpoint(thread: number, address: bigint): void
  clearBreakpoint(address: bigint): void
  /** Watches accesses to memory that is mapped at an address; false where there is none. */
  setWatchpoint(thread: number, address: bigint, lengthBytes: number, kind: WatchKind): boolean
  clearWatchpoint(address: bigint, lengthBytes: number, kind: WatchKind): void
  /**
   * Runs one instruction of a thread. 'done' says that it has, without interrupts; 'resume' that it will once the machine goes on,
   * and that `onStop` tells of it: a deterministic machine's turns are not disturbed.
   */
  step(thread: number): 'done' | 'resume'
  /** Called when a thread has come to a breakpoint, or is about to access what is watched, before any more of it runs. */
  onStop: ((stop: DebugStop) => void) | undefined
}

/**
 * A moment in the run of a deterministic machine, between two steps of a thread. A step is an instruction retired or a trap taken:
 * each run has the same ones, in the same order.
 */
export interface DebugPosition {
  readonly thread: number
  /** Steps of this thread so far. */
  readonly steps: number
  /** Steps of all threads so far: another number for each moment. */
  readonly total: number
}

/** Where to stop: at so many steps of all threads, or at the first moment with so many of one. */
export type DebugGoal = Pick<DebugPosition, 'total'> | Pick<DebugPosition, 'thread' | 'steps'>

/** What a debugger drives whose run can be gone through again. */
export interface PositionedTarget extends DebugTarget {
  /** Where a thread stands. */
  position(thread: number): DebugPosition
  /** Has the thread that comes there stop, as at a breakpoint; undefined takes that back. */
  stopAt(goal: DebugGoal | undefined): void
  /**
   * The pages of memory, by the machine's numbers, that must be written, or run, for any thread to be stopped; undefined
   * where it may be stopped otherwise.
   */
  stoppingPages(): { readonly written: readonly number[]; readonly run: readonly number[] } | undefined
  /** While it is set, it is told of breakpoints and of what is watched in place of `onStop`, and the thread goes on. */
  onPass: ((stop: DebugStop) => void) | undefined
}
