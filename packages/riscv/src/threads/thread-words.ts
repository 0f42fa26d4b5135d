import { THREAD_SPACE, THREAD_SPACE_BYTES } from '@doppel/engine'

/** What a hart asks of the board's thread. */
export const Ask = { nothing: 0, read: 1, write: 2, environmentCall: 3, frame: 4 } as const

/** What a hart is told, as bits; it looks between slices and while it waits. */
export const Tell = {
  /** Go home. */
  gather: 1,
  stop: 2,
  /** Begin anew, as the start words say. */
  start: 4,
  /** Wait for an interrupt: what firmware does in a hart's place. */
  wait: 8,
  /** Fences: forget cached translations: all, or those of the range that the words say. */
  flushTlb: 16,
  flushRange: 32,
  /** What FENCE.I does. */
  flushCode: 64,
} as const
const FENCES: number = Tell.flushTlb | Tell.flushRange | Tell.flushCode

/** 8-byte words of a hart; the last lies after those of 4 bytes. */
const Long = {
  retired: 0,
  gpa: 1,
  value: 2,
  startPc: 3,
  startA0: 4,
  startA1: 5,
  rangeStart: 6,
  rangeBytes: 7,
  clockLimit: 15,
} as const
/** 4-byte words, after them. */
const Word = {
  /** Counts up whenever the hart should look around; what it sleeps on. */
  wake: 16,
  tells: 17,
  /** 1 while it sleeps, and will look at its tells before it runs on. */
  asleep: 18,
  ask: 19,
  bytes: 20,
  /** 1 when what was asked for could be done. */
  ok: 21,
  /** 1 while it takes notice of what it has been told, and does it. */
  listening: 22,
  startPrivilege: 24,
  fruitless: 25,
} as const
/** Two cache lines, so that harts do not slow one another down. */
const HART_BYTES = 128

/** Where harts of several threads ring for the board's thread, a counter. */
const BELL_AT: number = THREAD_SPACE
/** Where the clock is that they share. */
export const CLOCK_AT: number = THREAD_SPACE + 8
const HARTS_AT: number = THREAD_SPACE + 64
/** Where a hart says how far the clock may go: see `SharedClock`. */
export function clockLimitAt(hart: number): number {
  return HARTS_AT + hart * HART_BYTES + Long.clockLimit * 8
}
/** More do not fit the space. */
export const MAX_HART_THREADS: number = Math.floor((THREAD_SPACE_BYTES - 64) / HART_BYTES)

type LongName = keyof typeof Long
type WordName = keyof typeof Word

/** The words by which one hart's thread and the board's thread speak. */
export class ThreadWords {
  readonly #longs: BigUint64Array
  readonly #words: Int32Array
  readonly #bell: Int32Array

  constructor(memory: ArrayBufferLike, hart: number) {
    this.#longs = new BigUint64Array(memory, HARTS_AT + hart * HART_BYTES, HART_BYTES / 8)
    this.#words = new Int32Array(memory, HARTS_AT + hart * HART_BYTES, HART_BYTES / 4)
    this.#bell = bellOf(memory)
  }

  long(name: LongName): bigint {
    return Atomics.load(this.#longs, Long[name])
  }
  setLong(name: LongName, value: bigint): void {
    Atomics.store(this.#longs, Long[name], BigInt.asUintN(64, value))
  }
  word(name: WordName): number {
    return Atomics.load(this.#words, Word[name])
  }
  setWord(name: WordName, value: number): void {
    Atomics.store(this.#words, Word[name], value)
  }

  // The board's thread

  /** Tells the hart, at once if it sleeps. */
  tell(bits: number): void {
    Atomics.or(this.#words, Word.tells, bits)
    this.wake()
  }
  /** Makes it look around if it sleeps. */
  wake(): void {
    Atomics.add(this.#words, Word.wake, 1)
    Atomics.notify(this.#words, Word.wake)
  }
  /** Asks for a fence; true when the hart has yet to do it, being awake. */
  fence(bits: number): boolean {
    Atomics.or(this.#words, Word.tells, bits)
    // Either it is seen to be awake here, or sees what it is told when it wakes.
    return this.word('asleep') === 0
  }
  /** No fence that was asked for is still to be done; one that a sleeping hart will do before it runs on counts as done. */
  get isFenced(): boolean {
    return this.word('asleep') === 1 || this.hasFenced
  }
  /** No fence that was asked for is still to be done, or being done. */
  get hasFenced(): boolean {
    // In this order: bits are taken only while it listens, so once they are gone that shows how far it is.
    return (this.word('tells') & FENCES) === 0 && this.word('listening') === 0
  }
  /** Lets the hart go on that has asked. */
  answer(ok: boolean): void {
    this.setWord('ok', ok ? 1 : 0)
    this.setWord('ask', Ask.nothing)
    this.wake()
  }

  // The hart's thread

  /** Does, by `act`, what it has been told since it last took notice. Says what that was. */
  listen(act: (tells: number) => void): number {
    if (this.word('tells') === 0) return 0
    this.setWord('listening', 1)
    const tells = Atomics.exchange(this.#words, Word.tells, 0)
    act(tells)
    this.setWord('listening', 0)
    // The firmware's answer to another hart may wait for it.
    if ((tells & FENCES) !== 0) this.ring()
    return tells
  }
  ring(): void {
    Atomics.add(this.#bell, 0, 1)
    Atomics.notify(this.#bell, 0)
  }
  /** Sleeps unless `wake` counts more than `seen`, at most for so long. */
  sleep(seen: number, timeoutMs: number): void {
    Atomics.wait(this.#words, Word.wake, seen, timeoutMs)
  }
}

/** The counter that harts ring by. */
export function bellOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, BELL_AT, 1)
}
