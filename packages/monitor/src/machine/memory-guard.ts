import { DoppelError, formatSize, MIB } from '@doppel/base'
import type { NetTimers } from '../net/host-network.ts'

/** A machine, as a guard sees it. */
export interface GuardedMachine {
  /** Memory that the guest holds, bytes. */
  heldBytes(): number
  /** Ends the machine, for this reason. */
  end(reason: DoppelError): void
}

/** What the host has, and what it is to keep. */
export interface HostMemory {
  /** Bytes that this process could still have. */
  availableBytes(): number
  /** Of those, what it is to keep; asked at each look. */
  reserveBytes(): number
  readonly timers: NetTimers
}

const LOOK_MS = 100
/** A machine that grew by less between two looks is not what takes the host's memory. */
const GROWN_BYTES = MIB
/** Looks without another end: what an ended machine held comes back only when it has been collected. */
const GRACE_LOOKS = 30

interface Guarded {
  readonly machine: GuardedMachine
  heldBytes: number
}

/**
 * Ends a machine before its guest takes the last of the host's memory: a host without any ends whole processes, and with
 * them machines that did nothing. The one that grew most since the last look goes; one that does not grow never does.
 */
export class MemoryGuard {
  readonly #host: HostMemory
  readonly #guarded = new Set<Guarded>()
  #timer: { cancel(): void } | undefined
  #grace = 0

  constructor(host: HostMemory) {
    this.#host = host
  }

  /** Guards a machine until what is returned is called. */
  guard(machine: GuardedMachine): () => void {
    const guarded: Guarded = { machine, heldBytes: machine.heldBytes() }
    this.#guarded.add(guarded)
    this.#timer ??= this.#next()
    return () => {
      this.#guarded.delete(guarded)
      if (this.#guarded.size > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  #next(): { cancel(): void } {
    return this.#host.timers.after(LOOK_MS, () => {
      this.#timer = this.#next()
      this.#look()
    })
  }
  #look(): void {
    let most: Guarded | undefined
    let mostBytes = GROWN_BYTES
    for (const guarded of this.#guarded) {
      const heldBytes = guarded.machine.heldBytes()
      const grown = heldBytes - guarded.heldBytes
      guarded.heldBytes = heldBytes
      if (grown >= mostBytes) [most, mostBytes] = [guarded, grown]
    }
    if (this.#grace > 0) {
      this.#grace--
      return
    }
    const availableBytes = this.#host.availableBytes()
    if (!most || availableBytes >= this.#host.reserveBytes()) return
    this.#grace = GRACE_LOOKS
    this.#guarded.delete(most)
    const held = formatSize(most.heldBytes)
    most.machine.end(
      new DoppelError(
        'machine.host-memory',
        `this computer has ${formatSize(availableBytes)} of memory left, and the machine, which holds ${held}, went on ` +
          'taking more; give it less, or end others',
        { availableBytes, heldBytes: most.heldBytes },
      ),
    )
  }
}
