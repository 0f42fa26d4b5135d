import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JdwpError } from './errors.ts'
import { Framer, HANDSHAKE, PacketReader, PacketWriter } from './packet.ts'
import { EVENT, type EventRequest, type Happening, matches, wants } from './requests.ts'

const greeting = new TextEncoder().encode(HANDSHAKE)
const command = fc.record({
  id: fc.nat(),
  set: fc.nat(255),
  command: fc.nat(255),
  data: fc.uint8Array({ maxLength: 40 }),
})

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

test('commands come out as they were sent, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 30 })), (sent, cuts) => {
      const packets = sent.map(c => new PacketWriter().bytes(c.data).command(c.id, c.set, c.command))
      const reply = new PacketWriter().i4(1).reply(9)
      const stream = joined([greeting, ...packets, reply])
      const framer = new Framer()
      const found: unknown[] = []
      let greetings = 0
      for (let at = 0, i = 0; at < stream.length; i++) {
        const count = cuts[i] ?? stream.length
        const { greeted, commands } = framer.push(stream.subarray(at, at + count))
        if (greeted) greetings++
        found.push(...commands.map(c => ({ ...c, data: Uint8Array.from(c.data) })))
        at += count
      }
      expect(greetings).toBe(1)
      // Replies are to nobody here.
      expect(found).toEqual(sent)
    }),
  )
})

test('any other stream is refused and nothing worse', () => {
  const framer = (bytes: Uint8Array): unknown => {
    try {
      return new Framer().push(bytes).commands
    } catch (error) {
      expect(error).toBeInstanceOf(DoppelError)
      expect((error as DoppelError).code).toBe('jdwp.stream')
      return undefined
    }
  }
  expect(framer(new TextEncoder().encode('GET / HTTP/1.1\r\n'))).toBeUndefined()
  expect(framer(joined([greeting, Uint8Array.of(0, 0, 0, 10, 0, 0, 0, 1, 0, 1, 1)]))).toBeUndefined()
  expect(framer(joined([greeting, Uint8Array.of(255, 0, 0, 10, 0, 0, 0, 1, 0, 1, 1)]))).toBeUndefined()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => void framer(joined([greeting, bytes]))))
})

test('data that ends too soon, and counts of nothing sensible, are illegal arguments', () => {
  const reads: readonly ((r: PacketReader) => unknown)[] = [
    r => r.u1(),
    r => r.i2(),
    r => r.i4(),
    r => r.i8(),
    r => r.f4(),
    r => r.f8(),
    r => r.id(),
    r => r.string(),
  ]
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 24 }),
      fc.array(fc.nat(reads.length - 1), { maxLength: 6 }),
      (bytes, plan) => {
        const reader = new PacketReader(bytes)
        try {
          for (const i of plan) reads[i]?.(reader)
        } catch (error) {
          expect(error).toBeInstanceOf(JdwpError)
        }
      },
    ),
  )
  expect(() => new PacketReader(Uint8Array.of(255, 255, 255, 255)).count()).toThrow('ILLEGAL_ARGUMENT')
})

test('patterns of class names have a star at one end', () => {
  expect(matches('java.*', 'java.lang.String')).toBe(true)
  expect(matches('*.Main', 'app.Main')).toBe(true)
  expect(matches('app.Main', 'app.Main2')).toBe(false)
})

test('a request for the third time is fulfilled at the third time, on its thread', () => {
  const [one, other] = [{}, {}] as never[]
  const request: EventRequest = {
    id: 1,
    kind: EVENT.threadStart,
    policy: 0,
    modifiers: [
      { kind: 'thread', thread: one as never },
      { kind: 'count', left: 3 },
    ],
  }
  const on = (thread: unknown): Happening => ({ kind: EVENT.threadStart, thread: thread as never })
  const answers = [one, other, one, one, one].map(thread => wants(request, on(thread)))
  expect(answers).toEqual([false, false, false, true, false])
})
