import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashWords } from './hash.ts'

test('one changed word is always noticed', () => {
  fc.assert(
    fc.property(fc.int32Array({ minLength: 1, maxLength: 50 }), fc.nat(), fc.integer(), (words, at, value) => {
      const other = words.slice()
      other[at % words.length] = value
      fc.pre(other[at % words.length] !== words[at % words.length])
      expect(hashWords(other)[0]).not.toBe(hashWords(words)[0])
    }),
  )
})

test('parts hashed one after another are the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, at) => {
      expect(hashWords(bytes.subarray(at), hashWords(bytes.subarray(0, at)))).toEqual(hashWords(bytes))
    }),
  )
})
