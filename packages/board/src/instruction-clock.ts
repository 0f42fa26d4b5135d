import type { Clock } from '@doppel/base'

/** A thousand million instructions a second, about what translated code does. */
const NS_PER_INSTRUCTION = 1
/** Where every deterministic machine's calendar begins: 2025-01-01T00:00:00Z. */
const EPOCH_NS = 1_735_689_600n * 1_000_000_000n

/**
 * A deterministic machine's time: what its harts have retired, and nothing else. It stands still during a hart's turn, whose
 * code may be left and entered again in places that differ from run to run; only who asks `exactly` sees it move.
 */
export class InstructionClock implements Clock {
  #nowNs: number
  #retired: () => number = () => 0
  #retiredThen = 0
  #nsPerInstruction = 0
  #isExact = false

  constructor(startNs = 0) {
    this.#nowNs = startNs
  }
  monotonicNs(): number {
    return this.#isExact ? this.#atThisInstructionNs() : this.#nowNs
  }
  realtimeNs(): bigint {
    return EPOCH_NS + BigInt(Math.floor(this.monotonicNs()))
  }
  #atThisInstructionNs(): number {
    return this.#nowNs + (this.#retired() - this.#retiredThen) * this.#nsPerInstruction
  }
  /** What `read` returns by the time of the instruction that asks, which has told how many are retired. */
  exactly<T>(read: () => T): T {
    this.#isExact = true
    try {
      return read()
    } finally {
      this.#isExact = false
    }
  }

  /** A hart's turn, one of `turns` in this round; `retired` counts its instructions. */
  beginTurn(retired: () => number, turns: number): void {
    this.#retired = retired
    this.#retiredThen = retired()
    this.#nsPerInstruction = NS_PER_INSTRUCTION / turns
  }
  /** The turn is over: its instructions have taken their time. */
  endTurn(): void {
    this.#nowNs = this.#atThisInstructionNs()
    this.#nsPerInstruction = 0
  }
  /** How many instructions a turn, one of `turns`, has until so much time has passed; at least one. */
  instructionsIn(ns: number, turns: number): number {
    return Math.max(1, Math.ceil((ns * turns) / NS_PER_INSTRUCTION))
  }
  /** All harts wait: the time until something is due is over at once. */
  skip(ns: number): void {
    this.#nowNs += Math.ceil(Math.max(ns, 0))
  }
  /** Makes the clock show `nowNs`, between turns. */
  set(nowNs: number): void {
    this.#nowNs = nowNs
    this.#nsPerInstruction = 0
  }
  /** The host's time means nothing here. */
  catchUp(): void {}
}
