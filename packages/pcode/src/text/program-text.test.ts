import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { verifyProgram } from '../verify/verify.ts'
import { readProgramText } from './program-reader.ts'
import { PROGRAM_TEXT_MARK, writeProgramText } from './program-writer.ts'

const SOURCE = `${PROGRAM_TEXT_MARK}
program powers 32 4
option undefined 1 overflow 1
style e 2
source powers.pas
file output 0 1 1 -
bytes 6f6b
real 0 0.1
real 1 -0
set 0 ff00000000000000000000000000000000000000000000000000000000000000
table 0 5 3 1 2
signature 0 ir r
global count 8 4
routine 0 powers -1 0 -
:3
    0 ldci 5
    1 xjp 0
    2 ujp 4
    3 ujc
    4 ldci 2
    5 cup 1 ! a call
    6 sroi 8
    7 lao 0
    8 ldoi 8
    9 ldci 1
   10 csp wri
   11 dmp 4
   12 stp
routine 1 square 0 4 i i@0
local n 0 4
:9
    0 lodi 0 0
    1 sqi
    2 reti
`.replace('table 0 5 3 1 2', 'table 0 5 3 2')

describe('the text of a program', () => {
  it('is read as what runs', async () => {
    const files = memoryFiles()
    const result = await runProgram(readProgramText(SOURCE), { files })
    expect(result.problem).toBeUndefined()
    expect(files.text('output')).toBe('4')
  })
  it('is the same when it is read and written again', () => {
    const written = writeProgramText(readProgramText(SOURCE))
    expect(writeProgramText(readProgramText(written))).toBe(written)
    expect(readProgramText(written)).toEqual(readProgramText(SOURCE))
    expect(Object.is(readProgramText(written).reals[1], -0)).toBe(true)
  })
  it.each([
    ['another kind of file', 'hello', 1],
    ['an unknown directive', `${PROGRAM_TEXT_MARK}\nfrob 1`, 2],
    ['an instruction before any routine', `${PROGRAM_TEXT_MARK}\n 0 stp`, 2],
    ['an instruction out of order', SOURCE.replace('    1 sqi', '    2 sqi'), 33],
    ['too few operands', SOURCE.replace('lodi 0 0', 'lodi 0'), 32],
    ['odd bytes', SOURCE.replace('6f6b', '6f6'), 7],
  ])('is refused with its line: %s', (_, text, line) => {
    expect(() => readProgramText(text)).toThrow(expect.objectContaining({ code: 'pcode.syntax', details: { line } }))
  })
  it('is verified like any other', () => {
    const wild = readProgramText(SOURCE.replace('cup 1', 'cup 9'))
    expect(() => verifyProgram(wild)).toThrow(expect.objectContaining({ code: 'pcode.operand' }))
  })
})
