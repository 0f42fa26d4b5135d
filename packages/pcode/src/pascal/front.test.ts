import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { verifyProgram } from '../verify/verify.ts'
import { compilePascal } from './compile.ts'
import { renderDiagnostic } from './diagnostics.ts'
import { formatPascal } from './format/format.ts'
import { checkPascal } from './front.ts'
import { WORDS } from './syntax/tokens.ts'

const PROGRAM = `program sums(input, output);
type list = ^node; node = record value: integer; rest: list; case big: boolean of true: (x: real); false: () end;
var a: array [1..5] of integer; s: set of char; p: list; i, sum: integer; f: text;
function double(n: integer): integer;
begin double := 2 * n end;
procedure add(var total: integer; n: integer);
begin total := total + double(n) end;
begin
  s := ['a'..'e']; sum := 0; new(p); p^.big := false;
  for i := 1 to 5 do begin a[i] := i * i; add(sum, a[i]) end;
  case sum of 110: writeln('sum ', sum:1); 1: end;
  while not eof do begin readln(i); if i in [1, 3..5] then p^.value := i end;
  with p^ do writeln(value:3, 'c' in s)
end.
`

describe('errors', () => {
  it('are told with their line, a caret under what is meant, and a hint', () => {
    const { diagnostics } = checkPascal('program p;\nvar count: integer;\nbegin\n\tcuont := 1\nend.', { file: 'p.pas' })
    expect(diagnostics.map(renderDiagnostic)).toEqual([
      `p.pas:4:2: error: 'cuont' is not declared [pascal.undeclared, ISO 7185 §6.2.2.1]
4 | \tcuont := 1
  | \t^^^^^ did you mean 'count'?
`,
    ])
  })

  it('are several in a run, and none the consequence of another', () => {
    const { diagnostics } = checkPascal(`program p(output);
var i: integer
    c: char;
begin
  i = 1;
  writeln(i j);
  if i then c := 'ab';
  x := 1; x := 2; y[x] := x
end.`)
    expect(diagnostics.map(({ code, at }) => `${at.line}:${at.column} ${code}`)).toEqual([
      '2:15 pascal.missing-semicolon',
      '5:5 pascal.equal-for-becomes',
      '6:13 pascal.expected',
      '7:6 pascal.boolean-needed',
      '7:18 pascal.assignment-type',
      '8:3 pascal.undeclared',
      '8:19 pascal.undeclared',
    ])
  })

  it.each([
    ['bgin i := 1 end.', '3:1 pascal.misspelled'],
    ['begin whlie i < 3 do i := i + 1 end.', '3:7 pascal.misspelled'],
    ['begin if i = 1 thn i := 2 else i := 3 end.', '3:16 pascal.misspelled'],
    ['begin for i := 1 too 10 do j := i end.', '3:18 pascal.misspelled'],
    ['funtion f: integer; begin f := 1 end; begin i := f end.', '3:1 pascal.misspelled'],
    ['begin writeln("it\'s") end.', '3:15 pascal.string-quotes'],
    ['begin if i != 1 then i := 1 end.', '3:12 pascal.foreign-symbol'],
    ['begin if i == 1 then i := 1 end.', '3:12 pascal.foreign-symbol'],
    ['begin if (i = 1) && (j = 1) then i := 1 end.', '3:18 pascal.foreign-symbol'],
    ['begin i += 1; j := 2 end.', '3:9 pascal.foreign-symbol'],
    ['begin i++; j := 2 end.', '3:8 pascal.foreign-symbol'],
    ['begin i := 1 // one\nend.', '3:14 pascal.line-comment'],
    ['begin a[1 := 2; i := 1 end.', '3:11 pascal.expected'],
    ['begin repeat i := 1 end; j := 1 end.', '3:21 pascal.expected'],
    ['procedure q; begin if i = 1 then begin i := 2 end; begin q end.', '3:63 pascal.expected'],
    ['begin writeln(i, j end.', '3:20 pascal.expected'],
  ])('of a kind that is often made are told once: %s', (text, expected) => {
    const { diagnostics } = checkPascal(`program p(output);\nvar i, j: integer; a: array [1..3] of integer;\n${text}`)
    expect(diagnostics.map(({ code, at }) => `${at.line}:${at.column} ${code}`)).toEqual([expected])
  })

  it('end at a limit', () => {
    const { diagnostics } = checkPascal(`program p; begin ${'? '.repeat(1000)} end.`)
    expect(diagnostics.length).toBe(101)
    expect(diagnostics.some(({ code }) => code === 'pascal.too-many')).toBe(true)
  })
})

describe('a program', () => {
  it('is compiled and run, in both engines', async () => {
    const { program, diagnostics } = compilePascal(PROGRAM)
    expect(diagnostics).toEqual([])
    if (program === undefined) throw new Error('there is no program')
    for (const engine of ['interpreter', 'translator'] as const) {
      const files = memoryFiles({ input: '7\n4\n' })
      const { problem } = await runProgram(program, { files, engine })
      expect(problem).toBeUndefined()
      expect(files.text('output')).toBe('sum 110\n  4 true\n')
    }
  })
})

const words = [
  ...WORDS.keys(),
  ...':= = ; , . .. ( ) [ ] ^ + - * / < > <= >= <> : 1 2.5 x y i integer a writeln'.split(' '),
  "'s'",
]
const soup = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map(list => list.join(' '))
/** The program with a stretch of it gone, doubled, or exchanged for something else. */
const mutated = fc
  .tuple(fc.nat(PROGRAM.length), fc.nat(40), fc.oneof(fc.constant(''), soup, fc.string({ maxLength: 10 })))
  .map(([at, length, text]) => PROGRAM.slice(0, at) + text + PROGRAM.slice(at + length))

/** What compiles must be a program that the machine takes. */
function compilesOrTells(text: string): void {
  const { program, diagnostics } = compilePascal(text)
  if (program === undefined) expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
  else verifyProgram(program)
  formatPascal(text)
}

describe('hostile texts', () => {
  it('are refused without a fault: words in any order', () => {
    fc.assert(
      fc.property(soup, text => compilesOrTells(`program p; ${text}`)),
      { numRuns: 400 },
    )
  })

  it('are refused without a fault: programs with something changed', () => {
    fc.assert(fc.property(mutated, compilesOrTells), { numRuns: 600 })
  })

  it.each([
    ['parentheses', `program p; begin x := ${'('.repeat(50_000)}`],
    ['blocks', `program p; ${'begin '.repeat(50_000)}`],
    ['signs of not', `program p; begin x := ${'not '.repeat(50_000)} true end.`],
    ['types', `program p; type t = ${'array [1..2] of '.repeat(50_000)} char; begin end.`],
    ['records', `program p; type t = ${'record a: '.repeat(50_000)}`],
    ['variants', `program p; type t = record ${'case boolean of true: ('.repeat(20_000)}`],
    ['procedures', `program p; ${'procedure q; '.repeat(20_000)}`],
    ['parameters', `program p; ${'procedure q('.repeat(20_000)}`],
    ['conditions', `program p; begin ${'if true then '.repeat(50_000)}`],
    ['comments', `program p; ${'{ '.repeat(50_000)}`],
    ['pointers', `program p; begin x${'^'.repeat(50_000)} := 1 end.`],
    ['indexes', `program p; begin ${'x['.repeat(50_000)}`],
    ['terms', `program p; begin x := 1${' + 1'.repeat(50_000)} end.`],
  ])('are refused without a fault: %s without end', (_, text) => {
    compilesOrTells(text)
  })
})
