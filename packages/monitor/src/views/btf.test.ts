import fc from 'fast-check'
import { expect, test } from 'vitest'
import { btfMembers } from './btf.ts'

/** An int, a pointer and a structure of two members, as Documentation/bpf/btf.rst lays them out. */
function smallBtf(): Uint8Array {
  const strings = '\0int\0task_struct\0comm\0pid\0'
  const at = (name: string): number => strings.indexOf(`\0${name}\0`) + 1
  const kind = (number: number, count = 0): number => (number << 24) | count
  const int = [at('int'), kind(1), 4, 32]
  const pointer = [0, kind(2), 1]
  const task = [at('task_struct'), kind(4, 2), 24, at('comm'), 1, 64, at('pid'), 1, 160]
  const types = [...int, ...pointer, ...task]
  const bytes = new Uint8Array(24 + types.length * 4 + strings.length)
  const view = new DataView(bytes.buffer)
  const header = [0x0001_eb9f, 24, 0, types.length * 4, types.length * 4, strings.length]
  for (const [i, word] of [...header, ...types].entries()) view.setUint32(i * 4, word, true)
  for (const [i, char] of Array.from(strings).entries()) bytes[24 + types.length * 4 + i] = char.charCodeAt(0)
  return bytes
}

test('members of a structure are found by name, in bytes', () => {
  expect(btfMembers(smallBtf(), 'task_struct')).toEqual(
    new Map([
      ['comm', 8],
      ['pid', 20],
    ]),
  )
  expect(btfMembers(smallBtf(), 'mm_struct')).toBeUndefined()
})

test('damaged types give something or nothing, at once', () => {
  const valid = smallBtf()
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
  fc.assert(
    fc.property(edits, fc.nat(valid.length), (changes, cut) => {
      const bytes = valid.slice(0, cut % 3 === 0 ? cut : valid.length)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      const found = btfMembers(bytes, 'task_struct')
      expect(found === undefined || found.size > 0).toBe(true)
    }),
    { numRuns: 2000 },
  )
})
