import type { SourceEnd, SourceStop } from '@doppel/base'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { compilePascal } from '../pascal/compile.ts'
import type { Program } from '../program/program.ts'
import { ProgramDebugger } from './debugger.ts'

const TEXT = `program tour(input, output);
type colour = (red, green, blue);
  link = ^node;
  node = record value: integer; next: link;
    case kind: colour of red: (weight: real); green, blue: (letters: packed array [1..3] of char) end;
var list: link; n, m: integer; hues: set of colour; table: array [colour] of integer;
procedure push(var head: link; value: integer);
var fresh: link;
begin
  new(fresh);
  fresh^.value := value;
  fresh^.next := head;
  fresh^.kind := green;
  fresh^.letters := 'abc';
  head := fresh
end;
function factorial(n: integer): integer;
begin
  if n = 0 then factorial := 1
  else
    factorial := n * factorial(n - 1)
end;
function total(a: array [low..high: integer] of integer): integer;
var i, sum: integer;
begin
  sum := 0;
  for i := low to high do
    sum := sum + a[i];
  total := sum
end;
procedure sums;
var a: array [3..5] of integer;
begin
  a[3] := 1; a[4] := 2; a[5] := 3;
  m := total(a)
end;
begin
  list := nil;
  hues := [red, blue];
  for n := 1 to 3 do
    push(list, n * n);
  n := factorial(4);
  table[green] := n;
  sums;
  readln(n);
  writeln(n + 1);
  n := 1 div (n - n)
end.
`

function debug(text: string = TEXT, input = '41\n'): { on: ProgramDebugger; files: ReturnType<typeof memoryFiles> } {
  const { program, diagnostics } = compilePascal(text, { file: 'tour.pas' })
  expect(diagnostics).toEqual([])
  const files = memoryFiles({ input })
  return { on: new ProgramDebugger(program as Program, { files, rest: () => Promise.resolve() }), files }
}
const lineOf = (on: ProgramDebugger): number | undefined => on.frames()[0]?.line
const lineWith = (words: string): number => TEXT.split('\n').findIndex(line => line.includes(words)) + 1

async function runTo(on: ProgramDebugger, words: string): Promise<SourceStop | SourceEnd> {
  on.setBreakpoints('tour.pas', [{ line: lineWith(words) }])
  return await on.run('continue')
}

describe('a debugger of a Pascal program', () => {
  it('stops at a breakpoint, with the calls that led there and what each of them sees', async () => {
    const { on } = debug()
    expect(await runTo(on, 'factorial := 1')).toMatchObject({ reason: 'breakpoint' })
    on.setBreakpoints('tour.pas', [{ line: lineWith('factorial := 1'), condition: 'n = 0' }])
    await on.run('continue')
    expect(on.frames().map(({ name, line }) => [name, line])).toEqual([
      ['factorial', lineWith('factorial := 1')],
      ...Array.from({ length: 4 }, () => ['factorial', lineWith('factorial := n')]),
      ['tour', lineWith('n := factorial(4)')],
    ])
    expect([0, 1, 2, 3, 4, 5].map(frame => on.evaluate(frame, 'n').text)).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      'undefined',
    ])
    expect(on.scopes(0).map(({ name }) => name)).toEqual(['factorial', 'tour'])
  })

  it('shows records with the variant that is active, pointers, strings, sets and arrays by their indexes', async () => {
    const { on } = debug()
    await runTo(on, 'table[green] := n')
    expect(on.evaluate(0, 'list^').text).toBe(
      '(value: 9, next: ' + on.evaluate(0, 'list^.next').text + ", kind: green, letters: 'abc')",
    )
    expect(on.evaluate(0, 'list^.next^.value').text).toBe('4')
    expect(on.evaluate(0, 'list^.letters[2]').text).toBe("'b'")
    expect(on.evaluate(0, 'hues').text).toBe('[red, blue]')
    await on.run('over')
    const table = on.evaluate(0, 'table')
    expect([table.type, table.parts]).toEqual(['array [red..blue] of integer', 3])
    expect(table.part(1, 1).map(({ name, value }) => `${name} = ${value.text}`)).toEqual(['[green] = 24'])
  })

  it('steps over calls, into them, and out again', async () => {
    const { on } = debug()
    await runTo(on, 'push(list')
    on.setBreakpoints('tour.pas', [])
    await on.run('into')
    expect(on.frames().map(({ name }) => name)).toEqual(['push', 'tour'])
    expect(lineOf(on)).toBe(lineWith('new(fresh)'))
    await on.run('over')
    expect(lineOf(on)).toBe(lineWith('fresh^.value'))
    expect(on.evaluate(0, 'head').text).toBe('nil')
    await on.run('out')
    expect(on.frames().map(({ name }) => name)).toEqual(['tour'])
    expect(on.evaluate(0, 'list^.value').text).toBe('1')
    // Nothing is left to do of the call's line: the loop is what comes next.
    expect(lineOf(on)).toBe(lineWith('for n := 1'))
    await on.run('over')
    expect(lineOf(on)).toBe(lineWith('push(list'))
  })

  it('shows a conformant array with the bounds of the call', async () => {
    const { on } = debug()
    await runTo(on, 'total := sum')
    const a = on.evaluate(0, 'a')
    expect(a.part(0, 9).map(({ name, value }) => name + value.text)).toEqual(['[3]1', '[4]2', '[5]3'])
    expect(on.evaluate(0, 'a[high] * 2 + low').text).toBe('9')
  })

  it('changes variables, and the program goes on with them', async () => {
    const { on, files } = debug()
    await runTo(on, 'writeln(n + 1)')
    on.evaluate(0, 'n').assign?.('2 * 50')
    on.evaluate(0, 'hues').assign?.('hues + [green]')
    expect(on.evaluate(0, 'hues').text).toBe('[red..blue]')
    await on.run('over')
    expect(files.text('output')).toBe('        101\n')
    expect(() => on.evaluate(0, 'n').assign?.("'x'")).toThrow(/another type/)
  })

  it('counts arrivals, and tells messages without stopping', async () => {
    const { on } = debug()
    const told: string[] = []
    on.onMessage = text => told.push(text)
    const line = lineWith('fresh^.value := value')
    on.setBreakpoints('tour.pas', [{ line, message: 'pushed {value}, {nothing}' }])
    on.setRoutineBreakpoints(['TOTAL', 'nobody'])
    expect(await on.run('continue')).toMatchObject({ reason: 'breakpoint' })
    expect(on.frames()[0]?.name).toBe('total')
    expect(told).toHaveLength(3)
    expect(told[1]).toMatch(/^pushed 4, \{nothing is no variable/)
    const second = debug().on
    second.setBreakpoints('tour.pas', [{ line, hits: 3 }])
    await second.run('continue')
    expect(second.evaluate(0, 'value').text).toBe('9')
  })

  it('stops where the program breaks a rule, then ends with its status', async () => {
    const { on, files } = debug()
    expect(await on.run('continue')).toMatchObject({
      reason: 'problem',
      text: expect.stringContaining('[pascal.division]') as string,
    })
    expect(lineOf(on)).toBe(lineWith('1 div'))
    expect(files.text('output')).toBe('         42\n')
    expect(await on.run('continue')).toEqual({ reason: 'ended', exitCode: 1 })
    expect(await on.run('over')).toEqual({ reason: 'ended', exitCode: 1 })
  })

  it('stands still when asked, though it computes or waits for input', async () => {
    const busy = debug('program busy; var i: integer; begin i := 0; while true do i := (i + 1) mod 1000 end.').on
    const running = busy.run('continue')
    busy.pause()
    expect(await running).toEqual({ reason: 'pause' })
    const { program } = compilePascal('program ask(input); var n: integer; begin\nreadln(n);\nn := n + 1 end.')
    const given = Promise.withResolvers<Uint8Array>()
    const on = new ProgramDebugger(program as Program, {
      files: { reset: () => ({ read: () => given.promise }), rewrite: () => ({ write: () => undefined }) },
      rest: () => Promise.resolve(),
    })
    const waiting = on.run('continue')
    on.pause()
    expect(await waiting).toEqual({ reason: 'pause' })
    expect(lineOf(on)).toBe(2)
    on.setBreakpoints('program.pas', [{ line: 3 }])
    given.resolve(new TextEncoder().encode('7\n'))
    expect(await on.run('continue')).toEqual({ reason: 'breakpoint' })
    expect(on.evaluate(0, 'n').text).toBe('7')
  })

  it.each([
    '',
    'list^^',
    'n +',
    'nobody',
    'list.value',
    'table[7]',
    'n := 1',
    'hues < 3',
    '1 div 0',
    'factorial(3)',
    '(',
  ])('says what is wrong with the expression %j', async expression => {
    const { on } = debug()
    await runTo(on, 'hues := [red')
    expect(() => on.evaluate(0, expression)).toThrow(/./)
  })

  it('places a breakpoint on the next line that has code, and says where there is none', () => {
    const { on } = debug()
    expect(on.setBreakpoints('tour.pas', [{ line: 1 }, { line: 999 }])).toEqual([
      { line: lineWith('new(fresh)') },
      { line: undefined },
    ])
    expect(on.setBreakpoints('other.pas', [{ line: 1 }])).toEqual([{ line: undefined }])
    expect(on.setBreakpoints('tour.pas', [{ line: 10, condition: 'n =' }])).toEqual([
      { line: undefined, problem: expect.stringContaining('expected') as string },
    ])
  })
})
