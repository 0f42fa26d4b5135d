const CHUNK = 4096

/** Decodes modified UTF-8 (JVMS §4.4.7); undefined when the bytes are none. */
export function decodeModifiedUtf8(bytes: Uint8Array, from = 0, to: number = bytes.length): string | undefined {
  let ascii = true
  for (let i = from; i < to; i++) {
    const b = bytes[i] as number
    if (b === 0 || b >= 0xf0) return undefined
    if (b >= 0x80) ascii = false
  }
  if (ascii) {
    if (to - from <= CHUNK) return String.fromCharCode.apply(null, bytes.subarray(from, to) as unknown as number[])
    let text = ''
    for (let i = from; i < to; i += CHUNK) {
      text += String.fromCharCode.apply(null, bytes.subarray(i, Math.min(to, i + CHUNK)) as unknown as number[])
    }
    return text
  }
  return decodeWide(bytes, from, to)
}

function decodeWide(bytes: Uint8Array, from: number, to: number): string | undefined {
  const units: number[] = []
  let text = ''
  const continuation = (at: number): number => (at < to ? (bytes[at] as number) ^ 0x80 : 0x40)
  for (let i = from; i < to; ) {
    const b = bytes[i] as number
    const second = continuation(i + 1)
    if (b < 0x80) {
      units.push(b)
      i += 1
    } else if (b >> 5 === 6) {
      if (second > 0x3f) return undefined
      units.push(((b & 0x1f) << 6) | second)
      i += 2
    } else if (b >> 4 === 14) {
      const third = continuation(i + 2)
      if (second > 0x3f || third > 0x3f) return undefined
      units.push(((b & 0xf) << 12) | (second << 6) | third)
      i += 3
    } else return undefined
    if (units.length >= CHUNK) {
      text += String.fromCharCode.apply(null, units)
      units.length = 0
    }
  }
  return text + String.fromCharCode.apply(null, units)
}

/** Encodes text as modified UTF-8 (JVMS §4.4.7). */
export function encodeModifiedUtf8(text: string): Uint8Array {
  const out: number[] = []
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c >= 1 && c < 0x80) out.push(c)
    else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 0x3f))
    else out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f))
  }
  return Uint8Array.from(out)
}
