/** The constants of FIPS 180-4 §4.2.2 and §5.3.3: fractions of cube and square roots of the first primes. */
const [ROUNDS, START] = constants()

function constants(): readonly [Int32Array, Int32Array] {
  const primes: number[] = []
  for (let n = 2; primes.length < 64; n++) if (primes.every(p => n % p !== 0)) primes.push(n)
  const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0
  return [
    Int32Array.from(primes, p => fraction(Math.cbrt(p))),
    Int32Array.from(primes.slice(0, 8), p => fraction(p ** 0.5)),
  ]
}

const rotated = (x: number, by: number): number => (x >>> by) | (x << (32 - by))

/** SHA-256 (FIPS 180-4 §6.2), for a few kilobytes: Node’s own takes longer to load than these take to hash. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, bytes.length * 8)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29))
  const state = START.slice()
  const w = new Int32Array(64)
  for (let at = 0; at < padded.length; at += 64) {
    for (let t = 0; t < 64; t++) w[t] = t < 16 ? view.getInt32(at + t * 4) : scheduled(w, t)
    compress(state, w)
  }
  const out = new DataView(new ArrayBuffer(32))
  state.forEach((word, i) => out.setInt32(i * 4, word))
  return new Uint8Array(out.buffer)
}

function scheduled(w: Int32Array, t: number): number {
  const [a, b] = [w[t - 15] as number, w[t - 2] as number]
  const low = rotated(a, 7) ^ rotated(a, 18) ^ (a >>> 3)
  const high = rotated(b, 17) ^ rotated(b, 19) ^ (b >>> 10)
  return (high + (w[t - 7] as number) + low + (w[t - 16] as number)) | 0
}

function compress(state: Int32Array, w: Int32Array): void {
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
  for (let t = 0; t < 64; t++) {
    const one = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
    const first = (h + one + ((e & f) ^ (~e & g)) + (ROUNDS[t] as number) + (w[t] as number)) | 0
    const zero = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
    const second = (zero + ((a & b) ^ (a & c) ^ (b & c))) | 0
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0]
  }
  ;[a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = ((state[i] as number) + word) | 0))
}
