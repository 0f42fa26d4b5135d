import { describe, expect, it } from 'vitest'
import { CodeBuilder } from '../program/code-builder.ts'
import type { Program, Routine } from '../program/program.ts'
import { Row } from '../rows/p5.ts'
import { Csp } from '../rows/standard.ts'
import { memoryFiles } from './memory-files.ts'
import { runProgram } from './run.ts'

const LINE = 7

function routine(name: string, write: (code: CodeBuilder) => void, more: Partial<Routine> = {}): Routine {
  const code = new CodeBuilder()
  code.line(LINE)
  write(code)
  return {
    name,
    parent: -1,
    params: [],
    paramOffsets: [],
    result: undefined,
    frameBytes: 0,
    variables: [],
    code: code.finish(),
    ...more,
  }
}
function program(routines: readonly Routine[], more: Partial<Program> = {}): Program {
  return {
    name: 'test',
    sources: ['test.pas'],
    routines,
    globalBytes: 64,
    globals: [],
    constants: new Uint8Array(0),
    reals: [],
    sets: [],
    tables: [],
    signatures: [],
    files: [
      { name: 'input', offset: 0, text: true, componentBytes: 1 },
      { name: 'output', offset: 8, text: true, componentBytes: 1 },
    ],
    fileIdBytes: 4,
    undefined: true,
    overflow: true,
    ...more,
  }
}
const OUTPUT = 8
function writeWord(code: CodeBuilder): void {
  code.emit(Row.ldci, 0, 1)
  code.emit(Row.csp, 0, Csp.wri)
  code.emit(Row.csp, 0, Csp.wln)
  code.emit(Row.dmp, 0, 4)
}

const ENGINES = ['interpreter', 'translator'] as const
describe.each(ENGINES)('a program run by the %s', engine => {
  it('calls a recursive function and writes its result', async () => {
    const fib = routine(
      'fib',
      code => {
        const small = code.label()
        code.emit(Row.lodi, 0, 0)
        code.emit(Row.ldci, 0, 2)
        code.emit(Row.lesi)
        code.jump(Row.tjp, small)
        for (const less of [1, 2]) {
          code.emit(Row.lodi, 0, 0)
          code.emit(Row.ldci, 0, less)
          code.emit(Row.sbi)
          code.emit(Row.cup, 0, 1)
        }
        code.emit(Row.adi)
        code.emit(Row.reti)
        code.place(small)
        code.emit(Row.lodi, 0, 0)
        code.emit(Row.reti)
      },
      { parent: 0, params: ['i'], paramOffsets: [0], result: 'i', frameBytes: 4 },
    )
    const main = routine('main', code => {
      code.emit(Row.lao, 0, OUTPUT)
      code.emit(Row.ldci, 0, 10)
      code.emit(Row.cup, 0, 1)
      writeWord(code)
      code.emit(Row.stp)
    })
    const files = memoryFiles()
    const result = await runProgram(program([main, fib]), { files, engine })
    expect(result.problem).toBeUndefined()
    expect(files.text('output')).toBe('55\n')
  })

  it('reads integers until the end of its input, waiting for it', async () => {
    const main = routine('main', code => {
      const [loop, done] = [code.label(), code.label()]
      code.emit(Row.ldci, 0, 0)
      code.emit(Row.sroi, 0, 16)
      code.place(loop)
      code.emit(Row.lao, 0, 0)
      code.emit(Row.csp, 0, Csp.eof)
      code.jump(Row.tjp, done)
      code.emit(Row.lao, 0, 0)
      code.emit(Row.lao, 0, 20)
      code.emit(Row.csp, 0, Csp.rdi)
      code.emit(Row.csp, 0, Csp.rln)
      code.emit(Row.dmp, 0, 4)
      code.emit(Row.ldoi, 0, 16)
      code.emit(Row.ldoi, 0, 20)
      code.emit(Row.adi)
      code.emit(Row.sroi, 0, 16)
      code.jump(Row.ujp, loop)
      code.place(done)
      code.emit(Row.lao, 0, OUTPUT)
      code.emit(Row.ldoi, 0, 16)
      writeWord(code)
      code.emit(Row.stp)
    })
    const files = memoryFiles({ input: '1\n 20 \n-4' })
    const result = await runProgram(program([main]), { files, engine })
    expect(result.problem).toBeUndefined()
    expect(files.text('output')).toBe('17\n')
  })

  it('goes to a label of an enclosing procedure, out of those called since', async () => {
    const outer = routine(
      'outer',
      code => {
        code.emit(Row.ldci, 0, 5)
        code.emit(Row.stri, 0, 0)
        code.emit(Row.cup, 0, 2)
        code.emit(Row.ujc)
        code.emit(Row.lao, 0, OUTPUT)
        code.emit(Row.lodi, 0, 0)
        writeWord(code)
        code.emit(Row.retp)
      },
      { parent: 0, frameBytes: 8 },
    )
    const inner = routine(
      'inner',
      code => {
        code.emit(Row.lodi, 1, 0)
        code.emit(Row.inci, 0, 1)
        code.emit(Row.stri, 1, 0)
        code.emit(Row.ipj, 1, 4)
      },
      { parent: 1 },
    )
    const main = routine('main', code => {
      code.emit(Row.cup, 0, 1)
      code.emit(Row.stp)
    })
    const files = memoryFiles()
    const result = await runProgram(program([main, outer, inner]), { files, engine })
    expect(result.problem).toBeUndefined()
    expect(files.text('output')).toBe('6\n')
  })

  it('names cause, values, routine and line of what stops it', async () => {
    const main = routine('main', code => {
      code.emit(Row.lao, 0, 16)
      code.emit(Row.ldci, 0, 40)
      code.emit(Row.stoi)
      code.emit(Row.ldoi, 0, 16)
      code.emit(Row.chki, 1, 10)
      code.emit(Row.sroi, 0, 16)
      code.emit(Row.stp)
    })
    const result = await runProgram(program([main]), { files: memoryFiles(), engine })
    expect(result.exitCode).toBe(1)
    expect(result.problem).toMatchObject({ code: 'pascal.range', message: '40 is not in 1..10' })
    expect(result.trace[0]).toEqual({ routine: 'main', file: 'test.pas', line: LINE, column: 0 })
  })
})
