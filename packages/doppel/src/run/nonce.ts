import { type EntropySource, hostEntropy } from '@doppel/base'

const NONCE_BYTES = 12

/** Lower-case letters and digits that nobody can guess, unless the entropy is seeded. */
export function freshNonce(entropy: EntropySource = hostEntropy): string {
  const bytes = new Uint8Array(NONCE_BYTES)
  entropy.fill(bytes)
  return [...bytes].map(b => (b % 36).toString(36)).join('')
}

const MACHINE_ID_BYTES = 16

/** A new machine-id(5), marked as random (RFC 9562 §5.4): 32 hexadecimal digits. */
export function freshMachineId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(MACHINE_ID_BYTES))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}
