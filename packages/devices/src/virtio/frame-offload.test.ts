import { foldSum, get16, get32, internetSum, put16, put32 } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkedOffload, segmentFrame, withChecksum } from './frame-offload.ts'

const IP = 14
const DATA_BYTES = 3000

/** An Ethernet frame with one TCP segment, whose checksum field holds the pseudo-header's sum as a driver leaves it. */
function longSegment(version: 4 | 6, flags = 0x18) {
  const tcp = IP + (version === 4 ? 20 : 40)
  const frame = new Uint8Array(tcp + 20 + DATA_BYTES)
  frame.fill(7, 0, 12)
  for (let i = tcp + 20; i < frame.length; i++) frame[i] = (i * 31) & 0xff
  put16(frame, 12, version === 4 ? 0x0800 : 0x86dd)
  frame[IP] = version === 4 ? 0x45 : 0x60
  const addresses = version === 4 ? [IP + 12, IP + 20] : [IP + 8, IP + 40]
  for (let i = addresses[0] as number; i < (addresses[1] as number); i++) frame[i] = i
  if (version === 4) {
    put16(frame, IP + 2, frame.length - IP)
    put16(frame, IP + 4, 0xfffe)
    frame[IP + 9] = 6
  } else {
    put16(frame, IP + 4, frame.length - tcp)
    frame[IP + 6] = 6
  }
  put32(frame, tcp + 4, 0xffff_ff00)
  frame[tcp + 12] = 5 << 4
  frame[tcp + 13] = flags
  const pseudo = (lengthBytes: number) => internetSum(frame.subarray(addresses[0], addresses[1]), 6 + lengthBytes)
  put16(frame, tcp + 16, foldSum(pseudo(frame.length - tcp)))
  return { frame, tcp, pseudo, offload: { checksum: { start: tcp, offset: 16 } } }
}

test.each([4, 6] as const)('a checksum left over in IPv%i is put in', version => {
  const { frame, tcp, pseudo, offload } = longSegment(version)
  const whole = withChecksum(frame, offload)
  expect(foldSum(internetSum(whole.subarray(tcp), pseudo(whole.length - tcp)))).toBe(0xffff)
  expect(whole.subarray(tcp + 18)).toEqual(frame.subarray(tcp + 18))
})

test.each([4, 6] as const)('a long segment in IPv%i becomes packets that each stand for themselves', version => {
  const { frame, tcp, pseudo, offload } = longSegment(version, 0x99)
  const pieces = segmentFrame(frame, { ...offload, segmentBytes: 1448 })
  expect(pieces.map(piece => piece.length - tcp - 20)).toEqual([1448, 1448, 104])
  expect(pieces.map(piece => get32(piece, tcp + 4))).toEqual([0xffff_ff00, 1192, 2640])
  // CWR on the first only, FIN and PSH on the last only.
  expect(pieces.map(piece => piece[tcp + 13])).toEqual([0x90, 0x10, 0x19])
  for (const piece of pieces) {
    expect(foldSum(internetSum(piece.subarray(tcp), pseudo(piece.length - tcp)))).toBe(0xffff)
    expect(get16(piece, IP + (version === 4 ? 2 : 4))).toBe(piece.length - (version === 4 ? IP : tcp))
    if (version === 4) expect(foldSum(internetSum(piece.subarray(IP, tcp)))).toBe(0xffff)
  }
  if (version === 4) expect(pieces.map(piece => get16(piece, IP + 4))).toEqual([0xfffe, 0xffff, 0])
  const data = pieces.flatMap(piece => [...piece.subarray(tcp + 20)])
  expect(Uint8Array.from(data)).toEqual(frame.subarray(tcp + 20))
})

test('an offload that does not fit its frame is refused', () => {
  const { frame, tcp, offload } = longSegment(4)
  const { checksum } = offload
  expect(checkedOffload(frame, offload)).toBe(offload)
  expect(checkedOffload(frame, { checksum: { start: 2, offset: 0 } })).toBeUndefined()
  expect(checkedOffload(frame, { checksum: { start: frame.length - 1, offset: 0 } })).toBeUndefined()
  expect(checkedOffload(frame, { checksum, segmentBytes: 0 })).toBeUndefined()
  expect(checkedOffload(frame, { checksum, segmentBytes: 2 })).toBeUndefined()
  expect(checkedOffload(frame.subarray(0, tcp + 19), { checksum, segmentBytes: 1448 })).toBeUndefined()
})

test('whatever a guest asks for is done within bounds or refused', () => {
  const some = fc.record({
    frame: fc.uint8Array({ minLength: 0, maxLength: 400 }),
    start: fc.nat(450),
    offset: fc.nat(65_535),
    segmentBytes: fc.nat(300),
    type: fc.constantFrom(0x0800, 0x86dd, 0x0806),
  })
  fc.assert(
    fc.property(some, ({ frame, start, offset, segmentBytes, type }) => {
      put16(frame, 12, type)
      const offload = checkedOffload(frame, { checksum: { start, offset: offset % 40 }, segmentBytes })
      if (!offload) return
      const pieces = segmentFrame(frame, offload)
      expect(pieces.length).toBeLessThanOrEqual(400)
      for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(frame.length)
      expect(withChecksum(frame, offload)).toHaveLength(frame.length)
    }),
    { numRuns: 2000 },
  )
})
