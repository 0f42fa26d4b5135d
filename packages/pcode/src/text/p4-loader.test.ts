import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { loadP4 } from './p5-loader.ts'

/** A text whose main program is these lines, with six cells of variables from cell 9 on. */
function text(main: readonly string[], routines: readonly string[] = []): string {
  const start = ['i    0', ...routines, 'l   3', ' ent   1   l   4', ' ent   2   l   5', ...main, ' retp']
  return [
    ...start,
    'l   4=         15',
    'l   5=          9',
    'q',
    'i    0',
    ' mst  0',
    ' cup  0 l   3',
    ' stp',
    'q',
    '',
  ].join('\n')
}
const write = [' ldci 1', ' lda   0       6', ' csp         wri', ' lda   0       6', ' csp         wln']

async function outputOf(source: string, engine: 'interpreter' | 'translator', input = ''): Promise<string> {
  const files = memoryFiles({ input })
  const result = await runProgram(loadP4(source), { files, engine })
  expect(result.problem).toBeUndefined()
  return files.text('output')
}

describe.each(['interpreter', 'translator'] as const)('p-code of Pascal-P4 run by the %s', engine => {
  it('writes a string, a character to a cell', async () => {
    const hello = [` lca'${'hello'.padEnd(200)}'`, ' ldci 7', ' ldci 5', ' lda   0       6', ' csp         wrs']
    expect(await outputOf(text(hello), engine)).toBe('  hello')
  })
  it('gives a function its parameters from the fifth cell on, and takes its result from the first', async () => {
    const minus = [
      'l   7',
      ' ent   1   l   8',
      ' ent   2   l   8',
      ' lodi 0 5',
      ' lodi 0 6',
      ' sbi',
      ' stri 0 0',
      ' reti',
      'l   8=  7',
    ]
    const main = [' mst 0', ' ldci 50', ' ldci 8', ' cup 2 l 7', ...write]
    expect(await outputOf(text(main, minus), engine)).toBe('42\n')
  })
  it('indexes arrays of cells, and keeps globals for inner routines', async () => {
    const inner = [
      'l   7',
      ' ent   1   l   8',
      ' ent   2   l   8',
      ' lda 1 9',
      ' ldci 2',
      ' ixa 1',
      ' indi 0',
      ...write.map(line => line.replace('lda   0', 'lda   1')),
      ' retp',
      'l   8=  5',
    ]
    const main = [' lao 9', ' ldci 2', ' ixa 1', ' ldci 77', ' stoi', ' mst 0', ' cup 0 l 7']
    expect(await outputOf(text(main, inner), engine)).toBe('77\n')
  })
  it('looks at the buffer variable of its input only when asked, and reads', async () => {
    const main = [' ldoc 5', ' ordc', ...write, ' lao 9', ' lda 0 5', ' csp rdi', ' ldoi 9', ...write]
    expect(await outputOf(text(main), engine, '12 ')).toBe('49\n12\n')
  })
  it('releases what was made since a mark', async () => {
    const main = [
      ' lao 9',
      ' csp sav',
      ' lao 10',
      ' ldci 3',
      ' csp new',
      ' ldoa 10',
      ' chka 1 0',
      ' ldci 5',
      ' stoi',
      ' ldoi 9',
      ' csp rst',
    ]
    const files = memoryFiles()
    const result = await runProgram(loadP4(text(main)), { files, engine })
    expect(result.problem).toBeUndefined()
    expect(result.leakedBlocks).toBe(0)
  })
})

describe('malformed p-code of Pascal-P4', () => {
  it.each([
    ['a short string', text([" lca'short'"]), 'pcode.syntax'],
    ['an unknown procedure', text([' csp frob']), 'pcode.structure'],
    ['an unknown line', text(['x']), 'pcode.syntax'],
    [
      'a variable outside its frame',
      text([' mst 0', ' cup 0 l 7'], ['l   7', ' ent 1 l 8', ' ent 2 l 8', ' lodi 0 9', ' retp', 'l   8= 6']),
      'pcode.operand',
    ],
  ])('is refused: %s', async (_, source, code) => {
    await expect((async () => runProgram(loadP4(source), { files: memoryFiles() }))()).rejects.toMatchObject({ code })
  })
})
