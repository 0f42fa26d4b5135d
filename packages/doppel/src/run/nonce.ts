const NONCE_BYTES = 12

/** Lower-case letters and digits that nobody can guess. */
export function freshNonce(): string {
  return [...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))].map(b => (b % 36).toString(36)).join('')
}
