import { FlatMemory, utf8Bytes, utf8Text } from '@doppel/base'
import { expect, test } from 'vitest'
import { Htif } from './htif.ts'

const [RAM, FROMHOST, CALL, TEXT] = [0x8000_0000, 0x8000_0008, 0x8000_0040, 0x8000_0100]

function setUp() {
  const memory = new FlatMemory(RAM, 4096)
  const view = new DataView(memory.bytes.buffer)
  const seen = { printed: '', exits: [] as number[] }
  const htif = new Htif({
    memory,
    tohost: RAM,
    fromhost: FROMHOST,
    write: bytes => void (seen.printed += utf8Text(bytes)),
    exit: code => seen.exits.push(code),
  })
  const send = (command: bigint): void => {
    view.setBigUint64(0, command, true)
    htif.poll()
  }
  const word = (at: number): bigint => view.getBigUint64(at - RAM, true)
  const callWith = (...words: bigint[]): void => {
    for (const [i, value] of words.entries()) view.setBigUint64(CALL - RAM + i * 8, BigInt.asUintN(64, value), true)
    send(BigInt(CALL))
  }
  return { memory, seen, send, word, callWith }
}

test.each([
  ['1 is success', 1n, 0],
  ['an odd number is twice the failed test’s and one', 0x15n, 10],
  ['a huge code is still no success', 0xffff_ffff_ffffn, 0xffff_ffff],
])('%s', (_, command, code) => {
  const { send, seen } = setUp()
  send(command)
  expect(seen.exits).toEqual([code])
})

test('an empty mailbox is left alone', () => {
  const { send, seen, word } = setUp()
  send(0n)
  expect([seen.exits, word(FROMHOST)]).toEqual([[], 0n])
})

test('a write call prints and is answered', () => {
  const { memory, callWith, seen, word } = setUp()
  memory.write(TEXT, utf8Bytes('hello\n'))
  callWith(64n, 1n, BigInt(TEXT), 6n)
  expect(seen.printed).toBe('hello\n')
  expect([word(CALL), word(FROMHOST), word(RAM)]).toEqual([6n, 1n, 0n])
})

test('a write from outside memory, and an unknown call, get an error', () => {
  const { callWith, word, seen } = setUp()
  callWith(64n, 1n, 0x10n, 6n)
  expect(BigInt.asIntN(64, word(CALL))).toBe(-1n)
  callWith(64n, 1n, -1n, -1n)
  expect(BigInt.asIntN(64, word(CALL))).toBe(-1n)
  callWith(1024n)
  expect(BigInt.asIntN(64, word(CALL))).toBe(-38n)
  expect(seen.printed).toBe('')
})

test('an exit call ends, and a character is printed by its device', () => {
  const { callWith, send, seen, word } = setUp()
  send((1n << 56n) | (1n << 48n) | 0x41n)
  expect([seen.printed, word(FROMHOST)]).toEqual(['A', (1n << 56n) | (1n << 48n)])
  callWith(93n, 3n)
  expect(seen.exits).toEqual([3])
})
