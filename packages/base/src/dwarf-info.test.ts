import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameTable } from './dwarf-cfi.ts'
import { AT, FORM, TAG } from './dwarf-constants.ts'
import { compute, type ExpressionContext, locate } from './dwarf-expression.ts'
import { DwarfInfo, nameOf, typeOf } from './dwarf-info.ts'
import { locationsOf, spansOf } from './dwarf-lists.ts'
import type { DwarfEntry } from './dwarf-unit.ts'
import { DoppelError } from './errors.ts'
import { utf8Bytes } from './text.ts'

const text = (words: string): number[] => [...utf8Bytes(words), 0]
const u16 = (value: number): number[] => [value & 0xff, value >> 8]
const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)]
const u64 = (value: bigint): number[] => [...new Uint8Array(BigUint64Array.of(value).buffer)]

/** Abbreviations (DWARF 5 §7.5.3): 1 unit, 2 function, 3 variable with a list, 4 base type, 5 variable at a place. */
const ABBREVIATIONS = [
  [1, TAG.compileUnit, 1, AT.name, FORM.string, AT.ranges, FORM.secOffset],
  [2, TAG.subprogram, 1, AT.name, FORM.strp, AT.lowPc, FORM.addr, AT.highPc, FORM.data4],
  [3, TAG.variable, 0, AT.name, FORM.string, AT.type, FORM.ref4, AT.location, FORM.secOffset],
  [4, TAG.baseType, 0, AT.name, FORM.string, AT.byteSize, FORM.data1, AT.encoding, FORM.data1],
  [5, TAG.variable, 0, AT.name, FORM.string, AT.type, FORM.ref4, AT.location, FORM.exprloc],
].flatMap(kind => [...kind, 0, 0])
const CODE = 0x8000_0000n

/** One unit of DWARF 5 (§7.5.1.1): a function with a variable, and one outside of it; the type comes behind both. */
function sections(): Map<string, Uint8Array> {
  const head = 12
  const unit = [1, ...text('a.c'), ...u32(12)]
  const before = [2, ...u32(0), ...u64(CODE), ...u32(0x20)]
  const typeAt = head + unit.length + before.length + (1 + 2 + 4 + 4) + 1 + (1 + 2 + 4 + 10)
  const local = [3, ...text('i'), ...u32(typeAt), ...u32(12)]
  const global = [5, ...text('g'), ...u32(typeAt), 9, 3, ...u64(CODE + 0x1000n)]
  const type = [4, ...text('int'), 4, 5]
  const entries = [...unit, ...before, ...local, 0, ...global, ...type, 0]
  const body = [...u16(5), 1, 8, ...u32(0), ...entries]
  // Offsets from a base, and from the start with a length (§7.25, §7.7.3).
  const ranges = [5, ...u64(CODE), 4, 0, 0x20, 7, ...u64(CODE + 0x100n), 0x10, 0]
  const locations = [6, ...u64(CODE), 4, 0, 8, 1, 0x5a, 4, 8, 0x20, 2, 0x91, 0x68, 0]
  const listHead = [...u16(5), 8, 0, ...u32(0)]
  const list = (content: number[]): Uint8Array => Uint8Array.from([...u32(8 + content.length), ...listHead, ...content])
  return new Map([
    ['.debug_info', Uint8Array.from([...u32(body.length), ...body])],
    ['.debug_abbrev', Uint8Array.from([...ABBREVIATIONS, 0])],
    ['.debug_str', Uint8Array.from(text('main'))],
    ['.debug_rnglists', list(ranges)],
    ['.debug_loclists', list(locations)],
  ])
}
const all = (entry: DwarfEntry): DwarfEntry[] => [entry, ...entry.children.flatMap(all)]

describe('debugging information', () => {
  test('leads from an address to its unit, function and variables, moved as the guest has it', () => {
    const found = sections()
    for (const moved of [0n, 0x4000_0000n]) {
      const info = new DwarfInfo(name => found.get(name), 'a.elf', moved)
      const unit = info.unitAt(CODE + moved + 4n)
      expect(unit?.root.text(AT.name)).toBe('a.c')
      expect(info.unitAt(CODE + moved + 0x104n)).toBe(unit)
      expect(info.unitAt(CODE + moved + 0x20n)).toBeUndefined()
      const [main, global] = unit?.root.children ?? []
      expect([main && nameOf(main), main && spansOf(main)]).toEqual([
        'main',
        [{ start: CODE + moved, end: CODE + moved + 0x20n }],
      ])
      const [local] = main?.children ?? []
      const type = local && typeOf(local)
      expect([type && nameOf(type), type?.number(AT.byteSize)]).toEqual(['int', 4n])
      expect(local && locationsOf(local, AT.location).map(({ start }) => start)).toEqual([
        CODE + moved,
        CODE + moved + 8n,
      ])
      expect(info.variable('g')?.at).toBe(global?.at)
      expect(info.variable('nobody')).toBeUndefined()
    }
  })

  test('that is damaged fails only with coded errors', () => {
    const edits = fc.array(fc.tuple(fc.nat(4), fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(edits, changes => {
        const found = sections()
        for (const [which, at, value] of changes) {
          const bytes = [...found.values()][which]
          if (bytes && at < bytes.length) bytes[at] = value
        }
        try {
          const info = new DwarfInfo(name => found.get(name), 'fuzz')
          info.unitAt(CODE)
          for (const unit of info.units) {
            for (const entry of all(unit.root)) {
              nameOf(entry)
              typeOf(entry)
              spansOf(entry)
              for (const { expression } of locationsOf(entry, AT.location)) locate(expression, CONTEXT)
            }
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

const CONTEXT: ExpressionContext = {
  register: number => (number < 32 ? BigInt(number) * 0x100n : undefined),
  readMemory: (address, length) =>
    address < 0x1_0000n ? Uint8Array.from({ length }, (_, i) => (Number(address) + i) & 0xff) : undefined,
  cfa: () => 0x8000n,
  frameBase: () => 0x7000n,
  moved: 0n,
}

describe('location descriptions', () => {
  test.each([
    ['a register', [0x5a], { kind: 'register', register: 10 }],
    ['an offset from the frame base', [0x91, 0x68], { kind: 'memory', address: 0x7000n - 24n }],
    ['an offset from a register', [0x72, 0x10], { kind: 'memory', address: 0x210n }],
    ['the canonical frame address', [0x9c], { kind: 'memory', address: 0x8000n }],
    ['a value', [0x08, 200, 0x31, 0x22, 0x9f], { kind: 'value', value: 201n }],
    ['a sign-extended division', [0x09, 0xf8, 0x34, 0x1b, 0x9f], { kind: 'value', value: (1n << 64n) - 2n }],
    ['memory behind memory', [0x72, 0, 0x94, 2], { kind: 'memory', address: 0x0100n }],
    ['bytes', [0x9e, 2, 7, 8], { kind: 'bytes', bytes: Uint8Array.of(7, 8) }],
    [
      'pieces, one of them nowhere',
      [0x5a, 0x93, 4, 0x93, 4],
      {
        kind: 'pieces',
        pieces: [
          { location: { kind: 'register', register: 10 }, sizeBytes: 4 },
          { location: undefined, sizeBytes: 4 },
        ],
      },
    ],
    ['nothing', [], undefined],
    ['what nobody has saved', [0x92, 40, 0], undefined],
    ['an operation that is not known', [0xe0], undefined],
    ['memory that is not there', [0x0c, 0, 0, 1, 0, 0x06], undefined],
  ])('lead to %s', (_, bytes, expected) => {
    expect(locate(Uint8Array.from(bytes), CONTEXT)).toEqual(expected)
  })

  test.each([
    ['an endless loop', [0x2f, 0xfd, 0xff]],
    ['an empty stack', [0x22]],
    ['a jump to nowhere', [0x2f, 0x00, 0x40]],
  ])('with %s are refused', (_, bytes) => {
    expect(() => compute(Uint8Array.from(bytes), CONTEXT)).toThrow(DoppelError)
  })

  test('of any bytes end, with a place, without one, or a coded error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        try {
          locate(bytes, CONTEXT)
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('call frame information', () => {
  // Code in steps of 2, data in steps of -8, the return address in x1; at first the frame is at sp.
  const cie = [...u32(0xffff_ffff), 4, 0, 8, 0, 2, 0x78, 1, 0x0c, 2, 0, 0, 0, 0]
  // After 2 bytes sp is 32 lower, after 4 x1 is saved at -8; 16 later all is as it was.
  const program = [0x41, 0x0e, 32, 0x41, 0x81, 1, 0x48, 0xc1, 0x0e, 0, 0, 0]
  const fde = [...u32(0), ...u64(CODE), ...u64(0x40n), ...program]
  const frame = (): Uint8Array => Uint8Array.from([...u32(cie.length), ...cie, ...u32(fde.length), ...fde])
  const table = (bytes: Uint8Array): FrameTable =>
    new FrameTable(name => (name === '.debug_frame' ? bytes : undefined), 'a.elf')

  test('tells at each instruction where the frame and what it saved are', () => {
    const rules = (offset: bigint): unknown => {
      const found = table(frame()).at(CODE + offset)
      return found && [found.cfa, found.registers.get(1)]
    }
    expect(rules(0n)).toEqual([{ register: 2, offset: 0n }, undefined])
    expect(rules(2n)).toEqual([{ register: 2, offset: 32n }, undefined])
    expect(rules(4n)).toEqual([
      { register: 2, offset: 32n },
      { kind: 'saved', offset: -8n },
    ])
    expect(rules(20n)).toEqual([{ register: 2, offset: 0n }, undefined])
    expect(rules(0x40n)).toBeUndefined()
  })

  test('that is damaged fails only with coded errors', () => {
    const edits = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(edits, changes => {
        const bytes = frame()
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        try {
          table(bytes).at(CODE + 4n)
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }),
      { numRuns: 5000 },
    )
  })
})
