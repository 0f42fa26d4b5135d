import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adler32, crc32, Deflater } from './deflate.ts'
import { InflateError, Inflater } from './inflate.ts'

function compress(bytes: Uint8Array, raw: boolean, level: number): Uint8Array {
  const deflater = new Deflater(raw, level)
  deflater.write(bytes)
  deflater.flush(true)
  const out: number[] = []
  const room = new Uint8Array(100)
  while (!deflater.finished) out.push(...room.subarray(0, deflater.read(room)))
  return Uint8Array.from(out)
}
/** Decompresses with input and output in pieces of these sizes; what is left of the input comes after. */
function expand(
  bytes: Uint8Array,
  raw: boolean,
  inPiece: number,
  outPiece: number,
): { data: Uint8Array; left: number } {
  const inflater = new Inflater(raw)
  const out: number[] = []
  let at = 0
  for (let calls = 0; !inflater.finished && calls < 100_000; calls++) {
    inflater.input = bytes.slice(at, at + inPiece)
    inflater.inputAt = 0
    inflater.output = new Uint8Array(outPiece)
    inflater.outputAt = 0
    inflater.run()
    at += inflater.inputAt
    for (const byte of inflater.output.subarray(0, inflater.outputAt)) out.push(byte)
    if (inflater.inputAt === 0 && inflater.outputAt === 0 && !inflater.finished && at >= bytes.length) break
  }
  return { data: Uint8Array.from(out), left: bytes.length - at }
}
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc.array(fc.constantFrom(65, 66, 67), { maxLength: 3000 }).map(a => Uint8Array.from(a)),
)

test('what is compressed expands again, whatever the pieces, and leaves the bytes after it alone', () => {
  fc.assert(
    fc.property(
      anyBytes,
      fc.boolean(),
      fc.constantFrom(0, 6),
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 700 }),
      (bytes, raw, level, inPiece, outPiece) => {
        const packed = compress(bytes, raw, level)
        const { data, left } = expand(Uint8Array.of(...packed, 1, 2, 3), raw, inPiece, outPiece)
        expect([data, left]).toEqual([bytes, 3])
      },
    ),
    { numRuns: 300 },
  )
})

test('the host’s own decompressor reads it, and its compressor is read', async () => {
  const text = new TextEncoder().encode('hello hello hello '.repeat(500) + 'end')
  const through = async (bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> =>
    new Uint8Array(await new Response(new Blob([bytes.slice()]).stream().pipeThrough(stream)).arrayBuffer())
  expect(await through(compress(text, false, 6), new DecompressionStream('deflate'))).toEqual(text)
  expect(expand(await through(text, new CompressionStream('deflate')), false, 64, 100).data).toEqual(text)
})

test('bytes that are no compressed data do no harm', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      try {
        expand(bytes, true, 50, 1000)
      } catch (error) {
        expect(error).toBeInstanceOf(InflateError)
      }
    }),
    { numRuns: 500 },
  )
})

test('checksums are those of the specifications', () => {
  const abc = new TextEncoder().encode('abc')
  expect([crc32(0, abc) >>> 0, adler32(1, abc)]).toEqual([0x352441c2, 0x024d0127])
})
