import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSaved, encodeSaved, type Saved } from './codec.ts'
import { DoppelError } from './errors.ts'

const { value: anySaved } = fc.letrec<{ value: Saved }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(undefined, null, true, false),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc
      .dictionary(
        fc.string().filter(key => key !== '__proto__'),
        tie('value'),
      )
      .map(made => ({ ...made })),
  ),
}))

test('what was saved comes back the same', () => {
  fc.assert(
    fc.property(anySaved, value => {
      expect(decodeSaved(encodeSaved(value))).toStrictEqual(value)
    }),
  )
})

test('the bytes are CBOR’s (RFC 8949, appendix A)', () => {
  const hex = (value: Saved): string => [...encodeSaved(value)].map(b => b.toString(16).padStart(2, '0')).join('')
  expect([0, 23, -1, -10, true, null, 1.1, '', 'IETF', [1, [2, 3]], { a: 1 }].map(hex)).toEqual([
    '00',
    '17',
    '20',
    '29',
    'f5',
    'f6',
    'fb3ff199999999999a',
    '60',
    '6449455446',
    '8201820203',
    'a1616101',
  ])
  expect([18446744073709551616n, -18446744073709551617n].map(hex)).toEqual([
    'c249010000000000000000',
    'c349010000000000000000',
  ])
})

test('anything else is refused, never misread for long', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      try {
        decodeSaved(bytes)
      } catch (error) {
        expect((error as DoppelError).code).toBe('codec.format')
      }
    }),
  )
  for (const cut of [1, 5, 9])
    expect(() => decodeSaved(encodeSaved({ key: [1, 2n, 'text'] }).slice(0, cut))).toThrow('byte')
})
