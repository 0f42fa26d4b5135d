import { DoppelError } from '@doppel/base'

/** Bytes in base64 (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  return bytes.toBase64()
}
/** Throws `dap.argument` for what is not base64. */
export function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text)
  } catch (cause) {
    throw new DoppelError('dap.argument', 'data must be base64', { name: 'data' }, cause)
  }
}
