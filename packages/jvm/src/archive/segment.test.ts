import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeSegment, Segment, type SegmentContent } from './segment.ts'

const word = fc.integer()
const words = fc.array(word, { maxLength: 8 })
const place = fc.integer({ min: 0, max: 1 << 22 })
const content: fc.Arbitrary<SegmentContent> = fc.record({
  unused: fc.record({ classes: place, code: place, references: place, bytes: place, loops: place }),
  classes: fc.array(
    fc.record({
      identity: fc.string(),
      name: fc.string(),
      places: fc.record({ id: place, methods: place, references: place, statics: place }),
    }),
  ),
  stubs: words,
  sites: fc.array(
    fc.record({
      place,
      classId: place,
      signature: fc.string(),
      instruction: words,
      unique: fc.string(),
      part: place,
    }),
  ),
  polymorphic: fc.array(fc.record({ place, name: fc.string(), signature: fc.string(), part: place })),
  codes: fc.uniqueArray(
    fc.record({
      place,
      part: place,
      classes: words,
      sites: words,
      polymorphic: words,
      calls: words,
      loops: words,
      strings: fc.array(fc.tuple(fc.string({ unit: 'binary' }), place), { maxLength: 4 }),
      marks: words,
    }),
    { selector: code => code.place },
  ),
  wasm: fc.uint8Array(),
})

test('a segment is read as it was written', () => {
  fc.assert(
    fc.property(content, written => {
      const read = new Segment(encodeSegment(written))
      const codes: unknown[] = []
      read.eachCode((at, where) => codes.push(read.code(at, where)))
      const { unused, classes, stubs, sites, polymorphic } = read
      const found = { unused, classes, stubs, sites, polymorphic, codes, wasm: new Uint8Array(read.wasm) }
      expect(found).toEqual(written)
    }),
    { numRuns: 60 },
  )
})

test('what is no segment is refused with a code, whatever it is', () => {
  const whole = encodeSegment({
    unused: { classes: 9, code: 20, references: 3, bytes: 8, loops: 0 },
    classes: [{ identity: 'boot A', name: 'A', places: { id: 1, methods: 2, references: 3, statics: 4 } }],
    stubs: [2, 0],
    sites: [],
    polymorphic: [],
    codes: [],
    wasm: Uint8Array.of(0, 97, 115, 109),
  })
  const damaged = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
    const copy = whole.slice()
    copy[at] = (copy[at] as number) ^ by
    return copy
  })
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), bytes => {
      try {
        expect(new Segment(bytes)).toBeInstanceOf(Segment)
      } catch (error) {
        expect(error).toBeInstanceOf(DoppelError)
      }
    }),
  )
})
