/** Bytes as the digits of GDB's remote protocol; undefined stays so. */
export function toHex(bytes: Uint8Array | undefined): string | undefined {
  return bytes?.toHex()
}

/** The bytes of digits in pairs; undefined for what is none. */
export function fromHex(digits: string): Uint8Array | undefined {
  return digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits) ? Uint8Array.fromHex(digits) : undefined
}

/** A number below 2^32 in hexadecimal; undefined for what is none. */
export function hexNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined
}

/** A text's UTF-8 bytes as digits. */
export function textToHex(text: string): string {
  return new TextEncoder().encode(text).toHex()
}
/** The text whose UTF-8 bytes these digits are; undefined for what is none. */
export function textFromHex(digits: string): string | undefined {
  const bytes = fromHex(digits)
  return bytes && new TextDecoder().decode(bytes)
}

/** A number below 2^64 in hexadecimal; undefined for what is none. */
export function bigOf(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined
}
/** The bytes of a text with one character each. */
export function fromBinary(text: string): Uint8Array {
  return Uint8Array.from(text, c => c.charCodeAt(0))
}
