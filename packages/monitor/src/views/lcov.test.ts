import { CodeNames, LineTable, parseLineTable, SymbolTable } from '@doppel/base'
import { expect, test } from 'vitest'
import { blockReport, lcovReport } from './lcov.ts'

const symbols = new SymbolTable([
  { name: 'main', address: 0x1000n, sizeBytes: 8n, isCode: true },
  { name: 'other', address: 0x1008n, sizeBytes: 4n, isCode: true },
])
/** Lines 1 and 2 in main, each of four bytes, line 3 in other: special opcodes of a DWARF 2 table with one file. */
const program = [0, 9, 2, 0, 0x10, 0, 0, 0, 0, 0, 0, 1, 2, 4, 3, 1, 1, 2, 4, 3, 1, 1, 2, 4, 0, 1, 1]
const header = [1, 1, 0xfb, 14, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0x61, 0, 0, 0, 0, 0]
const body = [2, 0, header.length, 0, 0, 0, ...header, ...program]
const table = (): LineTable => parseLineTable({ line: Uint8Array.from([body.length, 0, 0, 0, ...body]) }, 'a.elf')

test('a line has run when any of its code has, a function when its first instruction has', () => {
  const names = new CodeNames(symbols, () => [table()])
  const found = lcovReport(new Map([[0x1002n, 4]]), names)?.split('\n')
  expect(found?.slice(0, 8)).toEqual([
    'TN:',
    'SF:a',
    'FN:1,main',
    'FN:3,other',
    'FNDA:0,main',
    'FNDA:0,other',
    'FNF:2',
    'FNH:0',
  ])
  expect(found?.slice(8)).toEqual(['DA:1,1', 'DA:2,1', 'DA:3,0', 'LF:3', 'LH:2', 'end_of_record', ''])
  expect(lcovReport(new Map([[0x1008n, 2]]), names)).toContain('FNDA:1,other')
})

test('without lines there are blocks, by address and with the place that they are at', () => {
  const names = new CodeNames(symbols)
  expect(lcovReport(new Map(), names)).toBeUndefined()
  const blocks = new Map([
    [0x1008n, 4],
    [0x1004n, 2],
    [0x9000_0000n, 6],
  ])
  expect(blockReport(blocks, names)).toBe('0x1004 2 main+0x4\n0x1008 4 other\n0x90000000 6 -\n')
})
