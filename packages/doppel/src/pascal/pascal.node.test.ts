import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-pascal-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs doppel in the folder, as a shell would. */
function doppel(words: readonly string[], input = ''): { status: number | null; out: string; err: string } {
  const node = ['--conditions=source', MAIN, ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd: folder, input, encoding: 'utf8' })
  return { status, out: stdout, err: stderr }
}

function program(text: string, name = 'prog.pas'): string {
  writeFileSync(join(folder, name), text)
  return name
}

describe('doppel run of a Pascal program', () => {
  test('reads standard input and writes standard output', () => {
    program(`program p(input, output); var i, s: integer;
begin s := 0; while not eof do begin readln(i); s := s + i end; writeln('sum ', s:1) end.`)
    expect(doppel(['run', 'prog.pas'], '1\n2\n39\n')).toEqual({ status: 0, out: 'sum 42\n', err: '' })
  })

  test('binds program parameters to files by name', () => {
    program(`program copy(source, target, output); var source, target: text; c: char;
begin reset(source); rewrite(target);
  while not eof(source) do begin
    while not eoln(source) do begin read(source, c); write(target, c, c) end;
    readln(source); writeln(target) end
end.`)
    writeFileSync(join(folder, 'in.txt'), 'ab\n\nc')
    expect(doppel(['run', 'prog.pas', 'source=in.txt', 'target=out.txt'])).toEqual({ status: 0, out: '', err: '' })
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe('aabb\n\ncc\n')
  })

  test('names the files that it needs, and those that it does not have', () => {
    program('program p(data, output); var data: text; begin reset(data) end.')
    const missing = doppel(['run', 'prog.pas'])
    expect(missing.status).toBe(1)
    expect(missing.err).toBe('doppel: p needs a file for data: add data=FILE [pascal.binding]\n')
    expect(doppel(['run', 'prog.pas', 'data=x', 'date=y']).err).toContain('p has no program parameter date')
    expect(doppel(['run', 'prog.pas', 'data=nothing']).err).toContain('there is no such file to read [pascal.file]')
  })

  test('opens files by their titles in a folder that is granted, and nowhere else', () => {
    program(`program p; var f, g: text; s: string;
begin
  reset(f, 'WORK:IN.TEXT'); rewrite(g, 'work:Out.Text');
  while not eof(f) do begin readln(f, s); writeln(g, s, '!') end;
  close(g, lock);
  {$I-} reset(f, 'OTHER:X') {$I+}; writeln(ioresult);
  close(f); {$I-} reset(f, 'WORK:SECRET') {$I+}; writeln(ioresult);
  rewrite(f, 'WORK:SECRET'); {$I-} close(f, lock) {$I+}; writeln(ioresult)
end.`)
    mkdirSync(join(folder, 'granted'))
    writeFileSync(join(folder, 'granted/in.text'), 'a\nb\n')
    writeFileSync(join(folder, 'secret'), 'outside')
    symlinkSync('../secret', join(folder, 'granted/secret'))
    const run = doppel(['run', '--dialect', 'ucsd', 'prog.pas', 'work:=granted'])
    expect(run).toEqual({ status: 0, out: '12\n10\n16\n', err: '' })
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('outside')
    expect(readFileSync(join(folder, 'granted/Out.Text'), 'utf8')).toBe('a!\nb!\n')
  })

  test('opens a file by a title that is bound by itself', () => {
    program(`program p; var f: file of integer; t: text; i: integer;
begin
  rewrite(f, 'SCORES'); for i := 1 to 3 do begin f^ := i; put(f) end; close(f, lock);
  reset(f, 'SCORES'); seek(f, 1); get(f); writeln(f^); rewrite(t, 'PRINTER:'); write(t, 'page'); close(t, lock)
end.`)
    const run = doppel(['run', '--dialect', 'ucsd', 'prog.pas', 'scores=s.bin', 'printer:=print.txt'])
    expect(run).toEqual({ status: 0, out: '2\n', err: '' })
    expect(readFileSync(join(folder, 's.bin'))).toHaveLength(12)
    expect(readFileSync(join(folder, 'print.txt'), 'utf8')).toBe('page')
    const denied = doppel(['run', '--dialect', 'ucsd', 'prog.pas'])
    expect(denied.status).toBe(1)
    expect(denied.err).toContain('there is no such file')
  })

  test('stops at an error with its line, and how the program came there', () => {
    program(`program p(output);
var a: array [1..3] of integer;
procedure put(i: integer);
begin
  a[i] := 0
end;
begin
  put(4)
end.`)
    const { status, err } = doppel(['run', 'prog.pas'])
    expect(status).toBe(1)
    expect(err).toBe(`prog.pas:5:5: error: 4 is not in 1..3 [pascal.range]
5 |   a[i] := 0
  |     ^
  in put
  called by p at prog.pas:8
`)
  })

  test('shows the line of the expression, where its statement goes over several', () => {
    program(`program p(output);
var a, b: integer;
begin
  a := 7; b := 0;
  writeln(a +
    a div b)
end.`)
    expect(doppel(['run', 'prog.pas']).err).toBe(`prog.pas:6:5: error: division by zero (6.7.2.2) [pascal.division]
6 |     a div b)
  |     ^
  in p
`)
  })

  test('takes in files that lie beside the program, where the dialect can', () => {
    program("program p; {$I part.inc} begin shout(concat('a', 'b')) end.")
    const run = ['run', '--dialect', 'ucsd', 'prog.pas']
    expect(doppel(run).err).toMatch(/there is no file part\.inc to take in \[pascal\.include-missing/)
    program("procedure shout(s: string);\nbegin writeln(s, '!'); s[9] := s[1] end;", 'part.inc')
    const { status, out, err } = doppel(run)
    expect({ status, out }).toEqual({ status: 1, out: 'ab!\n' })
    expect(err).toMatch(/^part\.inc:2:26: error: the string has no character 9.*\n2 \| begin.*\n {2}\| {26}\^\n/)
    program('program p; {$I prog.pas} begin end.')
    expect(doppel(run).err).toMatch(/pascal\.include-depth/)
  })

  test('compiles the units that a program uses, from files beside it', () => {
    program('program p; uses shapes; begin writeln(area(3, 4):1) end.')
    const run = ['run', '--dialect', 'ucsd', 'prog.pas']
    expect(doppel(run).err).toMatch(/^prog\.pas:1:17: error: there is no unit 'shapes' .* no file shapes\.pas/)
    program(
      'unit shapes; interface uses sides; function area(a, b: side): integer;\nimplementation\nfunction area; begin area := a * b end;\nend.',
      'shapes.pas',
    )
    program('unit sides; interface type side = 0..99; implementation end.', 'sides.pas')
    expect(doppel(run)).toEqual({ status: 0, out: '12\n', err: '' })
    program('unit other; interface implementation end.', 'sides.pas')
    expect(doppel(run).err).toMatch(/^sides\.pas:1:6: error: the file sides\.pas has unit 'other'/)
  })

  test('shows what does not compile, and runs nothing', () => {
    program('program p(output);\nbegin writeln(1 end.')
    const { status, out, err } = doppel(['run', 'prog.pas'])
    expect({ status, out }).toEqual({ status: 1, out: '' })
    expect(err).toBe(`prog.pas:2:17: error: expected ')', found 'end' [pascal.expected, ISO 7185 §6.1]
2 | begin writeln(1 end.
  |                 ^^^

1 error
`)
  })

  test('ends an endless loop and an endless wait at the timeout', () => {
    program('program p; begin while true do end.')
    const looping = doppel(['run', '--timeout', '300ms', 'prog.pas'])
    expect(looping.status).toBe(124)
    expect(looping.err).toContain('[pascal.timeout]')
  })

  test('recurses a million calls deep', () => {
    program(`program p(output); var n: integer;
procedure down(depth: integer; var sum: integer);
var squares: array [1..4] of integer;
begin squares[3] := 1; if depth > 0 then begin sum := sum + squares[3]; down(depth - 1, sum) end end;
begin n := 0; down(1000000, n); writeln(n:1) end.`)
    expect(doppel(['run', 'prog.pas'])).toEqual({ status: 0, out: '1000000\n', err: '' })
  })

  test('ends an endless recursion', () => {
    program('program p; procedure q; begin q end; begin q end.')
    const { status, err } = doppel(['run', 'prog.pas'])
    expect(status).toBe(1)
    expect(err).toContain('procedures call too deep [pascal.stack]')
  })

  test('refuses words that bind nothing', () => {
    program('program p; begin end.')
    expect(doppel(['run', 'prog.pas', 'word'])).toEqual({
      status: 1,
      out: '',
      err: "doppel: 'word' binds no program parameter; expected name=file [pascal.binding]\n",
    })
  })
})

describe('doppel pascal', () => {
  test('check prints nothing for what is right, and JSON where it is asked for', () => {
    program('program p; begin end.')
    program('program p; begin x := 1 end.', 'bad.pas')
    expect(doppel(['pascal', 'check', 'prog.pas'])).toEqual({ status: 0, out: '', err: '' })
    const { status, out } = doppel(['pascal', 'check', '--json', 'bad.pas'])
    expect(status).toBe(1)
    expect(JSON.parse(out)).toMatchObject([
      { code: 'pascal.undeclared', at: { file: 'bad.pas', line: 1, column: 18 }, width: 1 },
    ])
  })

  test('check holds programs to level 0 where it is asked to', () => {
    program('program p; procedure q(var a: array [l..h: integer] of char); begin end; begin end.')
    expect(doppel(['pascal', 'check', 'prog.pas']).status).toBe(0)
    expect(doppel(['pascal', 'check', '--dialect', 'iso', 'prog.pas']).err).toContain('pascal.conformant-level')
    expect(doppel(['pascal', 'check', '--dialect', 'turbo', 'prog.pas']).err).toContain('expected one of iso')
  })

  test('compile makes p-code that runs, and disassemble shows it', () => {
    program("program p(output); var r: real; begin r := 0.1; writeln('p-code ', r:5:2) end.")
    expect(doppel(['pascal', 'compile', 'prog.pas'])).toEqual({ status: 0, out: '', err: '' })
    expect(doppel(['run', 'prog.p5'])).toEqual({ status: 0, out: 'p-code  0.10\n', err: '' })
    expect(doppel(['pascal', 'disassemble', 'prog.p5']).out).toBe(readFileSync(join(folder, 'prog.p5'), 'utf8'))
    expect(doppel(['pascal', 'disassemble', 'prog.pas']).out).toContain('csp wrf')
  })

  test('format prints, checks and changes', () => {
    program('program p;begin end.')
    const text = 'program p;\nbegin\nend.\n'
    expect(doppel(['pascal', 'format', 'prog.pas']).out).toBe(text)
    expect(doppel(['pascal', 'format', '--check', 'prog.pas'])).toEqual({ status: 1, out: 'prog.pas\n', err: '' })
    expect(doppel(['pascal', 'format', '-w', 'prog.pas']).status).toBe(0)
    expect(readFileSync(join(folder, 'prog.pas'), 'utf8')).toBe(text)
  })
})
