import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClassWriter } from '../../test/class-writer.ts'
import { JavaProblem } from '../problem.ts'
import { parseCode } from './code.ts'
import { isClassName, parseMethodDescriptor } from './descriptor.ts'
import { decodeModifiedUtf8, encodeModifiedUtf8 } from './modified-utf8.ts'
import { parseClassFile } from './parse.ts'

function sample(change: (w: ClassWriter) => void = () => undefined): Uint8Array<ArrayBuffer> {
  const writer = new ClassWriter('a/B')
  writer.field(0x2, 'x', 'I')
  writer.method(0x9, 'f', '(IJ)Ljava/lang/String;', [0x01, 0xb0])
  change(writer)
  return writer.bytes()
}
const problem = (bytes: Uint8Array): string => {
  try {
    parseClassFile(bytes)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof JavaProblem)) throw error
    return error.className.replace('java/lang/', '')
  }
}

test('a class file is taken apart into its members and code', () => {
  const file = parseClassFile(sample())
  expect([file.name, file.superName, file.major]).toEqual(['a/B', 'java/lang/Object', 61])
  expect(file.fields.map(f => f.name + f.descriptor)).toEqual(['xI'])
  const [method] = file.methods
  expect([...(parseCode(file, method as (typeof file.methods)[0])?.bytes ?? [])]).toEqual([0x01, 0xb0])
})

test.each<[string, Uint8Array, string]>([
  ['a wrong magic number', Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 61), 'ClassFormatError'],
  ['no bytes', new Uint8Array(0), 'ClassFormatError'],
  ['a byte too many', Uint8Array.of(...sample(), 0), 'ClassFormatError'],
  ['a version from the future', sample(w => (w.major = 99)), 'UnsupportedClassVersionError'],
  ['a class that is final and abstract', sample(w => (w.access = 0x430)), 'ClassFormatError'],
  ['two fields of one name', sample(w => w.field(2, 'x', 'I')), 'ClassFormatError'],
  ['a field descriptor that is none', sample(w => w.field(2, 'y', 'Q')), 'ClassFormatError'],
  ['a method called <x>', sample(w => w.method(1, '<x>', '()V', [0xb1])), 'ClassFormatError'],
  ['a method that is private and public', sample(w => w.method(3, 'g', '()V', [0xb1])), 'ClassFormatError'],
  ['a method without code', sample(w => w.method(1, 'g', '()V')), 'ClassFormatError'],
  ['an abstract method with code', sample(w => w.method(0x401, 'g', '()V', [0xb1])), 'ClassFormatError'],
  ['the same, mended', sample(w => w.method(0x401, 'g', '()V')), 'accepted'],
])('%s', (_what, bytes, expected) => {
  expect(problem(bytes)).toBe(expected)
})

test('no change of bytes does more than raise an error of the guest', () => {
  const original = sample()
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.nat(original.length),
      (edits, length) => {
        const bytes = original.slice(0, length)
        for (const [at, value] of edits) if (at < length) bytes[at] = value
        expect(problem(bytes)).toMatch(/^(accepted|\w+Error)$/)
      },
    ),
    { numRuns: 2000 },
  )
})

test('modified UTF-8 holds any sequence of UTF-16 units, NUL and lone surrogates included', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff)), units => {
      const text = String.fromCharCode(...units)
      expect(decodeModifiedUtf8(encodeModifiedUtf8(text))).toBe(text)
    }),
  )
})

test.each([[0], [0xf0, 0x9f, 0x98, 0x80], [0xc2], [0xe0, 0x80], [0x80]])(
  'the bytes %j, … are no modified UTF-8',
  (...bytes) => {
    expect(decodeModifiedUtf8(Uint8Array.from(bytes))).toBeUndefined()
  },
)

test.each([
  ['(I[[JLjava/lang/String;D)V', 5],
  ['()Lx;', 0],
])('%s is a method descriptor of %i words', (text, slots) => {
  expect(parseMethodDescriptor(text)?.slots).toBe(slots)
})

test.each(['', 'I', '(', '(I', '(V)V', '(L;)V', '(I)', '(Lx)V', `(${'J'.repeat(128)})V`])(
  '%s is no method descriptor',
  text => expect(parseMethodDescriptor(text)).toBeUndefined(),
)

test('names in internal form have no empty parts', () => {
  expect(['a/b', 'a', 'a//b', '/a', 'a/', '', 'a.b', 'a[b'].map(name => isClassName(name))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
    false,
    false,
  ])
})
