/** Where randomness enters a machine. Injected, so that a run can be recorded and replayed. */
export interface EntropySource {
  /** Fills all of `into`. */
  fill(into: Uint8Array): void
}

/** Randomness that can be had once more. */
export interface RepeatableEntropy extends EntropySource {
  /** Where in its stream it is. */
  save(): bigint
  /** Goes on from there. */
  restore(state: bigint): void
}

/** getRandomValues takes at most this many bytes a call (Web Cryptography §10.1.1). */
const MAX_REQUEST_BYTES = 65_536

/** The host's cryptographic generator. */
export const hostEntropy: EntropySource = {
  fill(into) {
    for (let at = 0; at < into.length; at += MAX_REQUEST_BYTES) {
      crypto.getRandomValues(into.subarray(at, at + MAX_REQUEST_BYTES) as Uint8Array<ArrayBuffer>)
    }
  },
}

/** A repeatable stream from a seed (xorshift64*); for deterministic machines and tests, not for secrets. */
export function seededEntropy(seed: bigint): RepeatableEntropy {
  let state = BigInt.asUintN(64, seed) || 0x9e3779b97f4a7c15n
  const next = (): bigint => {
    state ^= state >> 12n
    state = BigInt.asUintN(64, state ^ (state << 25n))
    state ^= state >> 27n
    return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn)
  }
  return {
    fill(into) {
      for (let i = 0; i < into.length; i++) into[i] = Number(next() >> 56n)
    },
    save: () => state,
    restore: saved => {
      state = saved
    },
  }
}
