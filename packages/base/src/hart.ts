import type { Saved } from './codec.ts'
import type { GuestMemory } from './memory.ts'

/** Privilege levels, RISC-V Priv. §1.2. */
export type Privilege = 0 | 1 | 3

/** How a slice of execution ended; 'break' is a debugger's doing, and the rest of the slice is still to come. */
export type SliceEnd = 'budget' | 'wfi' | 'stopped' | 'break'

/** What a RISC-V board and its SBI need of one hart. The instruction set implements it; a board is handed one. */
export interface RiscvHart {
  readonly id: number
  /** False before `start` and after `stop`; a stopped hart retires nothing. */
  readonly running: boolean
  /** Begins at `pc` in `privilege` with a0 and a1 set, paging off and interrupts disabled. */
  start(entry: { readonly pc: bigint; readonly privilege: Privilege; readonly a0: bigint; readonly a1: bigint }): void
  stop(): void
  /** Runs at most `budget` instructions; returns early when the hart waits or stops. */
  run(budget: number): SliceEnd
  /** Instructions retired since creation. */
  readonly retired: bigint
  x(register: number): bigint
  setX(register: number, value: bigint): void
  /** Sets a level-driven bit of mip, i.e. not SSIP, which software writes: MSIP 3, STIP 5, MTIP 7, SEIP 9, MEIP 11 (Priv. §3.1.9). */
  setInterrupt(bit: number, level: boolean): void
  /** Does what WFI does, asked for by firmware: the current `run` ends with 'wfi' unless an interrupt is pending. */
  wait(): void
  /** True when an enabled interrupt is pending, i.e. WFI would return. Told of a stopped hart too: it may be suspended. */
  interruptPending(): boolean
  /** The time-counter value at which the hart's own timer (Sstc) fires next; undefined when it has none armed. */
  timerDeadline(): bigint | undefined
  /** Sets the supervisor timer compare value, as stimecmp does. */
  setSupervisorTimer(value: bigint): void
  /** Drops cached translations: all, or of one range of guest-virtual addresses, or of one address space. */
  flushTlb(range?: { readonly start: bigint; readonly lengthBytes: bigint }, asid?: number): void
  /** What fence.i does, asked for by another hart. */
  flushInstructions(): void
  /** What a monitor may set as the firmware below the kernel: Priv. CSRs by name, e.g. medeleg. */
  readCsr(name: string): bigint
  writeCsr(name: string, value: bigint): void
}

/** Handles an environment call from S-mode when the board itself is the firmware; a0 and a1 are set by the handler. */
export type EnvironmentCall = (hart: RiscvHart) => void

/**
 * Harts on threads of their own. While they are away they run by themselves and ask the board's thread for devices and
 * firmware; `harts` of the CPU still tells of them, and what it is told reaches them.
 */
export interface HartThreads {
  /** Lets all harts go; resolves when they have gone. `ticksPerSecond` is the frequency of the CPU's time counter. */
  depart(ticksPerSecond: number): Promise<void>
  /** Brings all harts home, each at the end of an instruction; what they ask meanwhile is served. */
  gather(): Promise<void>
  /** Serves what harts have asked for. Throws what devices and firmware throw. */
  serve(): void
  /** Resolves once a hart has asked for something since the last `serve`. Rejects when a thread has failed. */
  asked(): Promise<void>
  /** Exceptions in a row that a hart has taken without an instruction in between, about. */
  fruitless(hart: number): number
  /** Whether a hart sleeps: it waits for an interrupt, or does not run. */
  sleeps(hart: number): boolean
}

/** A RISC-V CPU as a board holds it. */
export interface RiscvCpu {
  readonly memory: GuestMemory
  /** In order of their ids, 0 to harts − 1; all stopped when made. */
  readonly harts: readonly RiscvHart[]
  /** Present where harts have threads of their own; the board then does not give them slices. */
  readonly threads?: HartThreads
  /** The RAM pages that have been touched, by number from 0, with their bytes as they are now. */
  touchedPages(): Iterable<readonly [page: number, bytes: Uint8Array]>
  /** RAM pages written since this was last asked, about: none is left out. Between slices. */
  takeDirty?(): number[]
  /** RAM pages run since this was last asked, about: none is left out if `takeDirty` was asked right before, both times. */
  takeFetched?(): number[]
  /** All harts' state; asked for between slices. A CPU just made takes it back; memory is not part of it. */
  save(): Saved
  restore(saved: Saved): void
  /** The same to the last detail, for this very CPU: between turns of a deterministic machine. */
  saveMoment?(): Saved
  restoreMoment?(saved: Saved): void
}

/** What a RISC-V CPU is built from; the board supplies it. */
export interface RiscvCpuConfig {
  readonly harts: number
  readonly ramBase: number
  readonly ramBytes: number
  /** The 10 MHz (or other) time counter behind the time CSR. */
  readonly time: () => bigint
  /** The same counter as harts compare their own timers with, where that may lag behind `time` during a slice. */
  readonly timerTime?: () => bigint
  /** Accesses outside RAM. Values are unsigned; widths in bytes. A miss is an access fault. */
  readonly bus: {
    read(gpa: number, width: 1 | 2 | 4 | 8): bigint | undefined
    write(gpa: number, width: 1 | 2 | 4 | 8, value: bigint): boolean
  }
  /** Fills a page of RAM, by number from 0, when it is first touched; pages are zeros without it. */
  readonly pageSource?: (page: number, into: Uint8Array) => void
  /** Present when the board answers ecall from S-mode itself (built-in SBI); absent with M-mode firmware. */
  readonly environmentCall?: EnvironmentCall
}
