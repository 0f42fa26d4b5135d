import { VirtualClock } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuseMessage, type Part } from '../../../test/fuse-client.ts'
import { MemoryFolder } from '../../memory-folder.ts'
import { FuseSession } from './session.ts'
import { answerFuse, fuseRows } from './table.ts'

const name = fc.oneof(fc.constantFrom('a', 'b', 'c', '..', '.', '', 'a/b'), fc.string({ maxLength: 6 }))
const word = fc.oneof(fc.nat({ max: 8 }), fc.constantFrom(0o100644, 0o40755, 0o1102, 0xffff_ffff), fc.nat())
const long = fc.oneof(
  fc.nat({ max: 8 }).map(BigInt),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 53n - 1n, 2n ** 40n),
)
const part: fc.Arbitrary<Part> = fc.oneof(word, long, name, fc.uint8Array({ maxLength: 40 }))
const message = fc.record({
  opcode: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...fuseRows.map(row => row.opcode)) }, fc.nat({ max: 60 })),
  node: fc.nat({ max: 8 }),
  parts: fc.array(part, { maxLength: 12 }),
  room: fc.constantFrom(0, 15, 16, 80, 300, 5000),
})

const fail = (error: unknown): never => {
  throw error
}

test('every opcode is one row, and only one', () => {
  expect(new Set(fuseRows.map(row => row.opcode)).size).toBe(fuseRows.length)
})

test('any messages get an answer that fits its room, or none; nothing throws', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 40 }), async messages => {
      const folder = new MemoryFolder({ clock: new VirtualClock(), limitBytes: 1_000_000 })
      folder.writeFile('a/b', new Uint8Array(10))
      const session = new FuseSession(folder, fail)
      await answerFuse(session, fuseMessage(26, 0, [7, 31, 0, 0]), 200)
      for (const { opcode, node, parts, room } of messages) {
        const reply = await answerFuse(session, fuseMessage(opcode, node, parts), room)
        if (!reply) continue
        const view = new DataView(reply.buffer, reply.byteOffset)
        expect(reply.length).toBeLessThanOrEqual(room)
        expect(view.getUint32(0, true)).toBe(reply.length)
        expect(view.getInt32(4, true)).toBeLessThanOrEqual(0)
      }
      session.end()
    }),
    { numRuns: 300 },
  )
})

test('any bytes at all are no message or an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async bytes => {
      const session = new FuseSession(new MemoryFolder({ clock: new VirtualClock() }), fail)
      const reply = await answerFuse(session, bytes, 500)
      if (reply) expect(new DataView(reply.buffer).getInt32(4, true)).toBeLessThan(0)
    }),
  )
})
