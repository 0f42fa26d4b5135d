import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodePacket, MAX_PACKET_BYTES, PacketReader } from './packets.ts'

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0))
const anyText = fc.uint8Array({ maxLength: 300 }).map(bytes => String.fromCharCode(...bytes))

test('a packet is what stands between $ and #, followed by its sum', () => {
  expect(new TextDecoder().decode(encodePacket('OK'))).toBe('$OK#9a')
  expect(new PacketReader().feed(bytesOf('+$qC#b4'))).toEqual([{ kind: 'packet', text: 'qC' }])
})

test('any text arrives as it was sent, however it is cut', () => {
  fc.assert(
    fc.property(anyText, fc.nat(), (text, cut) => {
      const bytes = encodePacket(text)
      const reader = new PacketReader()
      const at = cut % bytes.length
      const received = [...reader.feed(bytes.subarray(0, at)), ...reader.feed(bytes.subarray(at))]
      expect(received).toEqual([{ kind: 'packet', text }])
    }),
  )
})

test('a wrong sum, and a packet that is too long, are damage; the next one is read again', () => {
  const long = encodePacket('m'.repeat(MAX_PACKET_BYTES + 1))
  const received = new PacketReader().feed(Uint8Array.from([...bytesOf('$g#00'), ...long, ...encodePacket('?')]))
  expect(received).toEqual([{ kind: 'damaged' }, { kind: 'damaged' }, { kind: 'packet', text: '?' }])
})

test('between packets, control-C is an interrupt and - asks for the last one again', () => {
  expect(new PacketReader().feed(bytesOf('+\x03-'))).toEqual([{ kind: 'interrupt' }, { kind: 'again' }])
})

test('whatever arrives is taken', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      expect(Array.isArray(new PacketReader().feed(bytes))).toBe(true)
    }),
  )
})
