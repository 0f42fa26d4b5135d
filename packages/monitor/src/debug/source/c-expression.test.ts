import { ATE, DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluateC, type NamesInScope } from './c-evaluate.ts'
import { readCExpression } from './c-expression.ts'
import { bytesOfNumber, constantDatum, type DataAccess } from './guest-data.ts'
import { type GuestType, INT, LONG, pointerTo } from './guest-types.ts'
import { GuestValue } from './guest-value.ts'

const CHAR: GuestType = { kind: 'base', name: 'char', sizeBytes: 1, encoding: ATE.unsignedChar }
const TEXT: GuestType = { kind: 'array', name: 'char [4]', sizeBytes: 4, element: CHAR, count: 4 }
const NODE: GuestType = {
  kind: 'struct',
  name: 'struct node',
  sizeBytes: 24,
  members: () => [
    { name: 'next', type: pointerTo(NODE), offsetBytes: 0 },
    { name: 'count', type: INT, offsetBytes: 8 },
    { name: 'name', type: TEXT, offsetBytes: 12 },
    { name: 'low', type: INT, offsetBytes: 16, bits: { offset: 128, size: 3 } },
    { name: 'high', type: INT, offsetBytes: 16, bits: { offset: 131, size: 5 } },
  ],
}
/** Two nodes that lead to each other. */
const memory = new Uint8Array(48)
memory.set(bytesOfNumber(0x1018n, 8), 0)
memory.set(bytesOfNumber(-7n, 4), 8)
memory.set([97, 98, 0, 99, 0b10110101], 12)
memory.set(bytesOfNumber(0x1000n, 8), 24)
memory.set(bytesOfNumber(300n, 4), 32)
const access: DataAccess = {
  readMemory: (address, length) => {
    const at = Number(address) - 0x1000
    return at >= 0 && at < memory.length ? memory.slice(at, at + length) : undefined
  },
  writeMemory: () => false,
  register: () => undefined,
  writeRegister: () => false,
  nameAt: address => (address === 0x1018n ? 'second' : undefined),
}
const names: NamesInScope = {
  access,
  register: name => (name === 'a0' ? constantDatum(LONG, 5n) : undefined),
  variable: name =>
    name === 'list'
      ? constantDatum(pointerTo(NODE), 0x1000n)
      : name === 'gone'
        ? { type: INT, read: () => undefined }
        : undefined,
}
const valueOf = (text: string): string => new GuestValue(evaluateC(readCExpression(text), names), access).text

describe('expressions of C', () => {
  it.each([
    ['1 + 2 * 3 - (4 - 5)', '8'],
    ['0x10 | 1 << 2 & 6', '20'],
    ['-7 / 2 == -3 && !0', '1'],
    ['~0', '-1'],
    ["'a' + '\\n'", '107'],
    ['1.5 * 2', '3'],
    ['list->count', '-7'],
    ['list->next->count', '300'],
    ['(*list).name', '"ab"'],
    ['list->name[3]', "99 'c'"],
    ['list->low', '-3'],
    ['list->high', '-10'],
    ['list->next', '0x1018 <second>'],
    ['&list->next->count', '0x1020'],
    ['list + 1', '0x1018 <second>'],
    ['list[1].count > 299', '1'],
    ['$a0 % 3', '2'],
    ['0 && nobody_knows', '0'],
    ['gone', '<optimized out>'],
  ])('%s is %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected)
  })

  it.each([
    '',
    '1 +',
    '(1',
    'a b',
    'list->',
    '1 / 0',
    '*1.5',
    'list.nothing',
    '&3',
    'x = 1',
    '1 ? 2 : 3',
    '1 && nobody_knows',
    '$zz',
    '"',
  ])('that are none are refused: %s', text => {
    expect(() => valueOf(text)).toThrow(DoppelError)
  })

  it('of any tokens have a value or a coded error', () => {
    const token = fc.constantFrom(
      'list',
      '->',
      'next',
      'count',
      '[',
      ']',
      '(',
      ')',
      '*',
      '&',
      '-',
      '1',
      '<<',
      '0x9',
      '.',
      '%',
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 14 }), tokens => {
        try {
          valueOf(tokens.join(' '))
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
