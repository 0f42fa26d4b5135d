import { type CharPort, utf8Bytes } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecording, encodeBeginning, encodeEvent, type RecordedEvent } from './format.ts'
import { RecordingTape, ReplayingTape } from './tapes.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const utf8 = (words: string): Uint8Array => new TextEncoder().encode(words)
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}
/** A terminal that types what it is told to. */
function keyboard(): CharPort & { type: (words: string) => void } {
  let receive: (bytes: Uint8Array) => void = () => undefined
  return {
    write: () => undefined,
    onInput: receiver => void (receive = receiver),
    type: words => receive(utf8(words)),
  }
}

test('what was typed reaches the machine again at the same instructions, in the same order', () => {
  const parts = [encodeBeginning({ target: 'linux' })]
  const terminal = keyboard()
  const tape = new RecordingTape(bytes => parts.push(bytes))
  const heard: string[] = []
  tape.port('hvc0', terminal).onInput(bytes => heard.push(text(bytes)))
  tape.round(100n, 1)
  terminal.type('l')
  terminal.type('s\r')
  expect(heard).toEqual([])
  tape.round(200n, 2)
  tape.end(300n, 2.5, '0123456789abcdef')

  const { subject, events, isWhole } = decodeRecording(joined(parts))
  expect([subject, isWhole]).toEqual([{ target: 'linux' }, true])
  const again = new ReplayingTape(events)
  const heardAgain: string[] = []
  const deaf = keyboard()
  again.port('hvc0', deaf).onInput(bytes => heardAgain.push(text(bytes)))
  deaf.type('rm -rf /')
  expect([again.round(100n, 1), again.round(200n, 1.5)]).toEqual([true, true])
  expect(heardAgain).toEqual([])
  expect(again.round(200n, 2)).toBe(true)
  expect(heardAgain).toEqual(heard)
  expect(again.round(300n, 2.5)).toBe(false)
})

test('a machine that passes an event by has diverged', () => {
  const event: RecordedEvent = { kind: 'input', instructions: 50n, atNs: 5, port: 'a', bytes: utf8('x') }
  expect(() => new ReplayingTape([event]).round(51n, 5)).toThrow(/after 51 instructions, expected 50/)
  expect(() => new ReplayingTape([event]).round(50n, 6)).toThrow(/not where it was/)
})

test('a recording that was cut off has all whole events, and ends after them', () => {
  const events = [1, 2].map(
    (n): RecordedEvent => ({ kind: 'input', instructions: BigInt(n), atNs: n, port: 'a', bytes: utf8('x') }),
  )
  const bytes = joined([encodeBeginning(null), ...events.map(encodeEvent)])
  const cut = decodeRecording(bytes.subarray(0, bytes.length - 1))
  expect(cut).toEqual({ subject: null, events: [events[0]], isWhole: false })
  const tape = new ReplayingTape(cut.events)
  expect([tape.round(0n, 0), tape.round(1n, 1)]).toEqual([true, false])
})

test('damage is told of, and what is no recording is refused', () => {
  const bytes = joined([encodeBeginning({ a: 1 }), encodeEvent({ kind: 'end', instructions: 9n, atNs: 9, hash: 'x' })])
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] as number) ^ change
      let found: unknown
      try {
        const { events } = decodeRecording(damaged)
        // Lengths may grow beyond the file: as if it had been cut off.
        expect(events.length).toBeLessThan(1)
      } catch (error) {
        found = error
        expect(String((found as { code?: string }).code)).toMatch(/^(replay|codec|saved|snapshot)\./)
      }
    }),
  )
  expect(() => decodeRecording(utf8('hello'))).toThrow(/no recording/)
})

test('a recording of another version is refused by that', () => {
  const refused = (code: string): Error => expect.objectContaining({ code }) as Error
  expect(() => decodeRecording(utf8Bytes('doppel recording 1\n'))).toThrow(refused('replay.version'))
  expect(() => decodeRecording(utf8Bytes('doppel recording x\n'))).toThrow(refused('replay.format'))
  expect(() => decodeRecording(utf8Bytes('doppel'))).toThrow(refused('replay.format'))
})
