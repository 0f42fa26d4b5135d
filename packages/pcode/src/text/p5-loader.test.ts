import fc from 'fast-check'
import { DoppelError } from '@doppel/base'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { verifyProgram } from '../verify/verify.ts'
import { loadP5 } from './p5-loader.ts'

const END = ['q', 'l 90=0', ' mst 0 l 90', ' cup 0 l 3', ' stp', 'f 0', 'q', '']

/** A text whose main program is these lines, with 16 bytes of globals after the four header files. */
function text(main: readonly string[], routines: readonly string[] = []): string {
  const lines = ['! made by hand', ':1', ...routines, 'l 3', ':2', ' ents l 4', ' ente l 5', ...main, ' retp']
  return [...lines, 'l 4=-28', 'l 5=-16', 'g 24', ...END].join('\n')
}
const writeInteger = [' lao 2', ' swp 4', ' ldci 1', ' csp wri', ' csp wln', ' dmp 4']

async function outputOf(source: string, engine: 'interpreter' | 'translator'): Promise<string> {
  const files = memoryFiles()
  const result = await runProgram(loadP5(source), { files, engine })
  expect(result.problem).toBeUndefined()
  return files.text('output')
}

describe.each(['interpreter', 'translator'] as const)('p-code of Pascal-P5 run by the %s', engine => {
  it('writes a string, whose quotes are doubled and whose end is filled with spaces', async () => {
    const hello = [" lca 6 'it''s'", ' lao 2', ' swp 4', ' ldci 8', ' ldci 6', ' csp wrs', ' csp wln', ' dmp 4']
    expect(await outputOf(text(hello), engine)).toBe("  it's  \n")
  })

  it('gives a function its parameters, the first highest in the frame, and takes its result', async () => {
    const minus = [
      'l 8',
      ' ents l 9',
      ' ente l 9',
      ' lodi 0 -32',
      ' lodi 0 -36',
      ' sbi',
      ' stri 0 0',
      ' reti',
      'l 9=-36',
    ]
    const main = [' mst 0 l 20', ' ldci 50', ' ldci 8', ' cup 8 l 8', 'l 20=4', ...writeInteger]
    expect(await outputOf(text(main, minus), engine)).toBe('42\n')
  })

  it('passes a function as a parameter and calls it', async () => {
    const twice = ['l 8', ' ents l 9', ' ente l 9', ' lodi 0 -32', ' ldci 2', ' mpi', ' stri 0 0', ' reti', 'l 9=-32']
    const apply = ['l 10', ' ents l 11', ' ente l 11', ' mst 0 l 12', ' ldci 21', ' lda 0 -36', ' cip 4', 'l 12=4']
    const applied = [...apply, ' stri 0 0', ' reti', 'l 11=-36']
    const main = [' mst 0 l 20', ' lpa 0 l 8', ' cup 8 l 10', 'l 20=4', ...writeInteger]
    expect(await outputOf(text(main, [...twice, ...applied]), engine)).toBe('42\n')
  })

  it('jumps by a table, and traps where the table says so', async () => {
    const choose = (n: number): string =>
      text([
        ` ldci ${n}`,
        ' xjp l 30',
        'l 30',
        ' ujp l 31',
        ' ujc',
        ' ujp l 32',
        'l 31',
        ' ldci 10',
        ...writeInteger,
        ' retp',
        'l 32',
        ' ldci 12',
        ...writeInteger,
      ])
    expect(await outputOf(choose(0), engine)).toBe('10\n')
    expect(await outputOf(choose(2), engine)).toBe('12\n')
    const result = await runProgram(loadP5(choose(1)), { files: memoryFiles(), engine })
    expect(result.problem?.code).toBe('pascal.case')
    expect(result.trace[0]?.line).toBe(2)
  })

  it('refuses to store a tag that new has fixed otherwise', async () => {
    const made = [' lao 8', ' ldci 1', ' ldci 1', ' ldci 20', ' csp nwl', ' ldoa 8']
    const set = (value: number): string => text(['v l 40 2 0 5 6', ...made, ` ldci ${value}`, ' cta 0 1 l 40', ' stoi'])
    // The tag given to new is the number of the variant itself.
    expect(
      (await runProgram(loadP5(set(0).replace('csp nwl', 'csp nwl')), { files: memoryFiles(), engine })).problem?.code,
    ).toBe('pascal.variant')
  })
})

describe('malformed p-code', () => {
  it.each([
    ['an unknown instruction', text([' frob']), 'pcode.structure'],
    ['an unknown directive', text(['?']), 'pcode.syntax'],
    ['a number that no word holds', text([' ldci 99999999999']), 'pcode.syntax'],
    ['a label without a place', text([' ujp l 77']), 'pcode.structure'],
    ['a label defined twice', text(['l 3']), 'pcode.syntax'],
    ['a missing end', 'l 3\n ents l 4\n', 'pcode.syntax'],
    ['code that a compiler found faulty', text([]).replace('f 0', 'f 2'), 'pcode.faulty'],
    ['an operand stack that runs empty', text([' adi']), 'pcode.stack'],
    ['a variable outside its frame', text([' lodi 0 -40', ' dmp 4']), 'pcode.operand'],
    ['a jump that leaves values behind', text(['l 50', ' ldci 1', ' ujp l 50']), 'pcode.stack'],
  ])('is refused: %s', (_, source, code) => {
    expect(() => verifyProgram(loadP5(source))).toThrow(expect.objectContaining({ code }))
  })

  it('is refused with a coded error or accepted, whatever is done to a good text', async () => {
    const good = text([
      ' ldci 5',
      ' chki 1 10',
      ...writeInteger,
      ' lao 8',
      ' ldci 8',
      ' csp new',
      ' ldoa 8',
      ' chka 1',
      ' inda 0',
      ' dmp 4',
    ])
    const lines = good.split('\n')
    const edits = fc.array(
      fc.record({
        at: fc.nat(lines.length - 1),
        with: fc.constantFrom(
          ...lines,
          ' ujp l 3',
          ' cup 4 l 3',
          ' lda 0 -28',
          ' ipj 1 l 3',
          ' ldci -1',
          ' lods 0 -60',
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    await fc.assert(
      fc.asyncProperty(edits, async list => {
        const changed = [...lines]
        for (const edit of list) changed[edit.at] = edit.with
        try {
          const program = loadP5(changed.join('\n'))
          let looks = 0
          const look = (): undefined => {
            if (++looks > 2) throw new Error('enough')
          }
          await runProgram(program, { files: memoryFiles(), memoryBytes: 1 << 20, stackBytes: 1 << 16, look })
        } catch (error) {
          const expected = error instanceof DoppelError && error.code.startsWith('pcode.')
          if (!expected && (error as Error).message !== 'enough') throw error
        }
      }),
      { numRuns: 200 },
    )
  })
})
