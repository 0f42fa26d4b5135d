import { describe, expect, it } from 'vitest'
import { assemble, type Line, linesOf, type ProcedureSource } from '../../test/ucsd/assembler.ts'
import { bootSmall, ERROR_HANDLER, stackOf } from '../../test/ucsd/small-system.ts'
import { decode } from './decode.ts'
import { BY_OPCODE, INSTRUCTIONS } from './instructions.ts'
import { Register } from './layout.ts'
import { STANDARD_PROCEDURES } from './standard/standard-procedures.ts'

/** Runs code as the system's outermost procedure, with 20 variables behind SYSCOM's address, and halts. */
function run(code: readonly Line[], bigEndian: boolean, others: readonly ProcedureSource[] = []): number[] {
  const outermost = {
    level: -1,
    dataWords: 40,
    code: [...code, ['CSP', 39] as const, 'exit' as const, ['XIT'] as const],
  }
  const { machine } = bootSmall({ procedures: [outermost, ERROR_HANDLER, ...others], bigEndian })
  machine.step(10_000)
  return stackOf(machine)
}
/** Name, code, what is on the evaluation stack at the end, the top first. Expected by II.0, “P-machine instructions”. */
const CASES: readonly (readonly [string, string, readonly number[]])[] = [
  ['short constants are 0..127', 'SLDC 0 ; SLDC 127', [127, 0]],
  ['LDCI has its low byte first', 'LDCI 0x1234', [0x1234]],
  ['LDCN is nil', 'LDCN', [0]],
  ['LDC leaves its last word on top', 'LDC [1 2 3]', [3, 2, 1]],
  ['a local stored is loaded, by short form too', 'SLDC 7 ; STL 2 ; SLDL 2 ; LDL 2', [7, 7]],
  ['the outermost procedure’s locals are globals', 'SLDC 9 ; SRO 20 ; LDL 20 ; LDO 20', [9, 9]],
  ['an offset above 127 takes two bytes', 'LLA 200 ; LLA 2 ; SBI', [2 * 198]],
  ['STO stores where the address says', 'LLA 3 ; SLDC 5 ; STO ; SLDL 3', [5]],
  ['SIND and IND index by words', 'SLDC 5 ; STL 6 ; LLA 3 ; SIND 3 ; LLA 2 ; IND 4', [5, 5]],
  ['INC adds words to an address', 'LLA 2 ; INC 5 ; LLA 7 ; SBI', [0]],
  ['IXA multiplies an index by the size', 'LLA 1 ; SLDC 3 ; IXA 4 ; LLA 13 ; SBI', [0]],
  ['LDM pushes, the first on top', 'SLDC 1 ; STL 5 ; SLDC 2 ; STL 6 ; LLA 5 ; LDM 2', [1, 2]],
  ['STM stores from the top', 'LLA 5 ; SLDC 8 ; SLDC 9 ; STM 2 ; SLDL 5 ; SLDL 6', [8, 9]],
  ['MOV moves words', 'SLDC 4 ; STL 5 ; LLA 9 ; LLA 5 ; MOV 1 ; SLDL 9', [4]],
  ['bytes are addressed by index', 'LLA 5 ; SLDC 3 ; SLDC 77 ; STB ; LLA 5 ; SLDC 3 ; LDB', [77]],
  ['ADI wraps at 16 bits', 'LDCI 0x7fff ; SLDC 1 ; ADI', [0x8000]],
  ['SBI takes the top from what is below', 'SLDC 3 ; SLDC 5 ; SBI', [0xfffe]],
  ['MPI and SQI', 'SLDC 12 ; LDCI 0xfffe ; MPI ; SLDC 9 ; SQI', [81, 0xffe8]],
  ['DVI truncates', 'LDCI 0xfff9 ; SLDC 2 ; DVI', [0xfffd]],
  ['MODI has the dividend’s sign', 'LDCI 0xfff9 ; SLDC 2 ; MODI', [0xffff]],
  ['ABI, NGI', 'LDCI 0xfffb ; ABI ; SLDC 5 ; NGI', [0xfffb, 5]],
  ['CHK leaves a value within its bounds', 'SLDC 5 ; SLDC 1 ; SLDC 9 ; CHK', [5]],
  ['comparisons are of signed integers', 'LDCI 0xffff ; SLDC 1 ; LESI ; LDCI 0xffff ; SLDC 1 ; GRTI', [0, 1]],
  ['LAND, LOR, LNOT', 'SLDC 12 ; SLDC 10 ; LAND ; SLDC 12 ; SLDC 10 ; LOR ; SLDC 0 ; LNOT', [0xffff, 14, 8]],
  ['truth values are lowest bits', 'SLDC 2 ; SLDC 0 ; EQUBOOL ; SLDC 3 ; SLDC 0 ; GRTBOOL', [1, 1]],
  ['reals divide and compare', 'REAL 7 ; REAL 2 ; DVR ; REAL 3.5 ; EQUREAL', [1]],
  ['FLO floats what is below a real', 'SLDC 3 ; REAL 0.5 ; FLO ; ADR ; CSP 24', [4]],
  ['trunc goes towards zero, round away from halves', 'REAL -2.5 ; CSP 23 ; REAL -2.5 ; CSP 24', [0xfffd, 0xfffe]],
  ['a real beyond integers is cut to a word', 'REAL 65537 ; CSP 23', [1]],
  ['POT is a power of ten', 'SLDC 3 ; CSP 36 ; CSP 23', [1000]],
  [
    'a packed array is indexed by word, width and bit',
    'LLA 5 ; SLDC 5 ; IXP 4 4 ; STL 10 ; STL 11 ; LLA 6 ; SBI ; SLDL 10 ; SLDL 11',
    [4, 4, 0],
  ],
  [
    'a packed field is stored within its word',
    'LDCI 0xffff ; STL 5 ; LLA 5 ; SLDC 4 ; SLDC 8 ; SLDC 5 ; STP ; SLDL 5',
    [0xf5ff],
  ],
  ['a packed field is loaded', 'LDCI 0xa5c3 ; STL 5 ; LLA 5 ; SLDC 4 ; SLDC 8 ; LDP', [5]],
  ['a string is assigned and indexed', "LLA 5 ; LSA 'ABC' ; SAS 8 ; LLA 5 ; SLDC 2 ; IXS ; LDB", [66]],
  ['a character is assigned as a string', "LLA 5 ; SLDC 88 ; SAS 8 ; LLA 5 ; LSA 'X' ; EQUSTR", [1]],
  [
    'strings are ordered by letters, then length',
    "LSA 'AB' ; LSA 'ABC' ; LESSTR ; NOP ; LSA 'B' ; LSA 'ABC' ; GRTSTR",
    [1, 1],
  ],
  ['byte arrays compare by their bytes', "LPA 'AAB' ; LPA 'AAC' ; LESBYT 3 ; LPA 'AAB' ; LPA 'AAC' ; EQUBYT 2", [1, 1]],
  ['records compare by their words', 'LLA 5 ; LLA 7 ; EQUWORD 2 ; SLDC 1 ; STL 8 ; LLA 5 ; LLA 7 ; NEQWORD 2', [1, 1]],
  ['a singleton set has the words that it needs', 'SLDC 17 ; SGS', [2, 0, 2]],
  ['a subrange whose bounds are crossed is empty', 'SLDC 9 ; SLDC 3 ; SRS', [0]],
  ['membership', 'SLDC 20 ; SLDC 3 ; SLDC 20 ; SRS ; INN ; SLDC 40 ; SLDC 3 ; SLDC 20 ; SRS ; INN', [0, 1]],
  [
    'union, intersection, difference',
    'SLDC 1 ; SGS ; SLDC 2 ; SGS ; UNI ; SLDC 2 ; SLDC 17 ; SRS ; INT ; SLDC 1 ; SGS ; DIF',
    [2, 4, 0],
  ],
  ['ADJ makes a set as long as its variable', 'SLDC 1 ; SGS ; ADJ 3', [2, 0, 0]],
  [
    'sets are equal without regard to their sizes',
    'SLDC 1 ; SGS ; SLDC 0 ; SLDC 20 ; SRS ; SLDC 1 ; SGS ; INT ; EQUPOWR',
    [1],
  ],
  [
    'a set includes another',
    'SLDC 0 ; SLDC 9 ; SRS ; SLDC 3 ; SGS ; GEQPOWR ; SLDC 3 ; SGS ; SLDC 3 ; SGS ; GRTPOWR',
    [0, 1],
  ],
  [
    'sets of which neither includes the other are in no order',
    'SLDC 1 ; SGS ; SLDC 2 ; SGS ; LEQPOWR ; SLDC 1 ; SGS ; SLDC 2 ; SGS ; GEQPOWR ; SLDC 1 ; SGS ; SLDC 2 ; SGS ; NEQPOWR',
    [1, 0, 0],
  ],
  ['a jump forwards', 'UJP 2 ; SLDC 1 ; SLDC 2 ; SLDC 3', [3]],
  ['FJP looks at the lowest bit', 'SLDC 2 ; FJP 1 ; SLDC 1 ; SLDC 3 ; FJP 1 ; SLDC 5', [5]],
  [
    'EFJ jumps where words differ, NFJ where they do not',
    'SLDC 1 ; SLDC 2 ; EFJ 1 ; SLDC 9 ; SLDC 4 ; SLDC 4 ; NFJ 1 ; SLDC 8',
    [],
  ],
  [
    'MVL and FLC work on bytes',
    'LLA 5 ; SLDC 0 ; SLDC 4 ; SLDC 42 ; CSP 10 ; LLA 5 ; SLDC 1 ; LLA 9 ; SLDC 0 ; SLDC 3 ; CSP 2 ; LLA 9 ; SLDC 2 ; LDB',
    [42],
  ],
  [
    'SCN counts to the character, backwards for a negative limit',
    "SLDC 10 ; SLDC 0 ; SLDC 67 ; LPA 'ABCABC' ; SLDC 0 ; SLDC 0 ; CSP 11 ; LDCI 0xfff6 ; SLDC 0 ; SLDC 65 ; LPA 'ABCABC' ; SLDC 2 ; SLDC 0 ; CSP 11",
    [0xfffe, 2],
  ],
  ['NEW takes words from the heap', 'LLA 5 ; SLDC 4 ; CSP 1 ; LLA 6 ; CSP 32 ; SLDL 6 ; SLDL 5 ; SBI', [8]],
  [
    'RLS gives the heap back',
    'LLA 6 ; CSP 32 ; CSP 40 ; LLA 5 ; SLDC 100 ; CSP 1 ; LLA 6 ; CSP 33 ; CSP 40 ; EQUI',
    [1],
  ],
]

describe.each([
  ['little', false],
  ['big', true],
] as const)('on a %s-endian machine', (_, bigEndian) => {
  it.each(CASES)('%s', (_name, code, expected) => {
    expect(run(linesOf(code), bigEndian)).toEqual(expected)
  })

  it('calls have parameters, results and static links', () => {
    // f(x) = x * k, where k is the outermost procedure's variable 2, one level out.
    const f: ProcedureSource = {
      level: 1,
      parameterWords: 2,
      code: [['SLDL', 2], ['LOD', 2, 2], ['MPI'], ['STL', 1], 'exit', ['RNP', 1]],
    }
    // The parameters are pushed as they lie in the frame, the lowest last: the result's place, then x.
    const code: readonly Line[] = [
      ['SLDC', 7],
      ['STL', 2],
      ['CBP', 4],
      ['SLDL', 3],
    ]
    const caller: ProcedureSource = {
      dataWords: 1,
      code: [['SLDC', 6], ['SLDC', 0], ['CLP', 3], ['STR', 1, 3], 'exit', ['RBP', 0]],
    }
    expect(run(code, bigEndian, [f, caller])).toEqual([42])
  })

  it('recursion keeps its variables apart', () => {
    // fact(n): result, n
    const fact: ProcedureSource = {
      level: 0,
      parameterWords: 2,
      code: [
        ['SLDC', 1],
        ['STL', 1],
        ['SLDL', 2],
        ['SLDC', 2],
        ['GEQI'],
        ['FJP', 10],
        ['SLDL', 2],
        ['SLDL', 2],
        ['SLDC', 1],
        ['SBI'],
        ['SLDC', 0],
        ['CBP', 3],
        ['MPI'],
        ['STL', 1],
        'exit',
        ['RBP', 1],
      ],
    }
    expect(
      run(
        [
          ['SLDC', 7],
          ['SLDC', 0],
          ['CBP', 3],
        ],
        bigEndian,
        [fact],
      ),
    ).toEqual([5040])
  })

  it('EXIT ends all that was called since', () => {
    const inner: ProcedureSource = {
      level: 1,
      code: [['SLDC', 0], ['SLDC', 3], ['CSP', 4], ['SLDC', 99], 'exit', ['RNP', 0]],
    }
    const middle: ProcedureSource = { level: 1, code: [['CGP', 5], ['SLDC', 98], 'exit', ['RNP', 0]] }
    const outer: ProcedureSource = { level: 0, code: [['CLP', 4], ['SLDC', 97], 'exit', ['RBP', 0]] }
    expect(
      run(
        [
          ['CBP', 3],
          ['SLDC', 1],
        ],
        bigEndian,
        [outer, middle, inner],
      ),
    ).toEqual([1])
  })

  it('a case jump goes by its table, and by its jump for all others', () => {
    const choose = (value: number): number[] => {
      // At offset 2: bounds 1..2, a jump over the table to the end, the table; cases push 11 or 12 and jump to the end.
      const table: readonly Line[] = [['SLDC', value], ['XJP']]
      const head = assemble(table).bytes
      const words = [1, 2].flatMap(word => (bigEndian ? [0, word] : [word, 0]))
      const entry = (from: number, to: number): number[] => {
        const distance = (from - to) & 0xffff
        return bigEndian ? [distance >> 8, distance & 0xff] : [distance & 0xff, distance >> 8]
      }
      const bytes = [...head, ...words, 185, 10, ...entry(8, 12), ...entry(10, 15), 11, 185, 3, 12, 185, 0]
      return raw(bytes, bigEndian)
    }
    expect([choose(1), choose(2), choose(3)]).toEqual([[11], [12], []])
  })
})

/** Runs bytes of code as they are, before a halt. */
function raw(bytes: readonly number[], bigEndian: boolean): number[] {
  const nops = bytes.map(() => ['NOP'] as const)
  const outermost = {
    level: -1,
    dataWords: 4,
    code: [...nops, ['CSP', 39] as const, 'exit' as const, ['XIT'] as const],
  }
  const { machine } = bootSmall({ procedures: [outermost, ERROR_HANDLER], bigEndian })
  const at = machine.register(Register.ipc)
  bytes.forEach((byte, i) => machine.setByte(at + i, byte))
  machine.step(1000)
  return stackOf(machine)
}

describe('the rows', () => {
  it('have each opcode once, by what it compares', () => {
    for (const [opcode, rows] of BY_OPCODE.entries()) {
      expect(new Set(rows.map(row => row.operandType)).size, `opcode ${opcode}`).toBe(rows.length)
    }
    // II.0 leaves two opcodes out.
    expect(BY_OPCODE.flatMap((rows, opcode) => (rows.length === 0 ? [opcode] : []))).toEqual([210])
    expect(new Set(INSTRUCTIONS.map(row => row.name)).size).toBe(INSTRUCTIONS.length)
    expect(new Set(STANDARD_PROCEDURES.map(each => each.number)).size).toBe(STANDARD_PROCEDURES.length)
  })

  it.each(INSTRUCTIONS.filter(row => row.tail === undefined).map(row => [row.name, row] as const))(
    '%s is decoded as it is assembled',
    (name, row) => {
      const operands = row.opcodes > 1 ? [3] : row.formats.map((format, i) => (format === 'B' ? 300 + i : 5 + i))
      const { bytes } = assemble([[name, ...operands]])
      const decoded = decode({ bytes: Uint8Array.from(bytes), bigEndian: false }, 0)
      expect(decoded?.row.name).toBe(name)
      expect(decoded?.next).toBe(bytes.length)
      if (row.opcodes !== 16) expect(decoded?.operands).toEqual(operands)
    },
  )
})
