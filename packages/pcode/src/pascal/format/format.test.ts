import { describe, expect, it } from 'vitest'
import { formatPascal } from './format.ts'

const laidOut = (text: string): string | undefined => formatPascal(text).text

describe('laying out a program', () => {
  it('puts statements on lines of their own and spaces around operators', () => {
    expect(laidOut('PROGRAM p(output);var i:integer;BEGIN i:=-1+2*3;IF i>3 THEN BEGIN writeln(i:3) END END.')).toBe(
      `program p(output);

var
  i: integer;

begin
  i := -1 + 2 * 3;
  if i > 3 then begin
    writeln(i:3)
  end
end.
`,
    )
  })

  it('keeps comments where they stand, and one empty line', () => {
    const text = `{ head }
program p;

const
  a = 1; { behind }

{ before }
procedure q;
begin
  { inside }
  ;

  goto 1
end;

begin
end. { end }
`
    expect(laidOut(text)).toBe(text)
  })

  it('lays out records, cases and loops by their structure', () => {
    const text = `program p;

type
  r = record
    x, y: integer;
    case b: boolean of
      true: (z: real);
      false: ()
  end;

begin
  case 1 of
    1, 2:;
    3:
      repeat
        while true do
          with a^.b[1] do c := d^
      until s = ['a'..'z', #]
  end
end.
`.replace(', #', ", 'q'")
    expect(laidOut(text.replaceAll(/\n +/g, '\n'))).toBe(text)
  })

  it('says what is wrong with a text that does not parse', () => {
    const { text, diagnostics } = formatPascal('program p; begin end')
    expect(text).toBeUndefined()
    expect(diagnostics.map(({ code }) => code)).toEqual(['pascal.expected'])
  })
})

it('what UCSD Pascal adds is laid out too', () => {
  const text = `program p; var a_b: string[9];
segment procedure q; begin a_b := '' end;
begin case length(a_b) of 1: q; otherwise begin writeln(a_b) end end end.`
  expect(formatPascal(text, 'p.pas', 'ucsd').text).toBe(`program p;

var
  a_b: string[9];

segment procedure q;
begin
  a_b := ''
end;

begin
  case length(a_b) of
    1: q;
    otherwise begin
      writeln(a_b)
    end
  end
end.
`)
})

it('units are laid out in a program and by themselves', () => {
  const unit = `unit u;

interface
uses a, b;

type
  t = 0..9;

procedure s(k: t);

implementation

procedure s;
begin
end;

end`
  const flat = unit.replace(/\s+/g, ' ')
  expect(formatPascal(`${flat}.`, 'u.pas', 'ucsd').text).toBe(`${unit}.\n`)
  expect(formatPascal(`${flat}; ${flat}.`, 'u.pas', 'ucsd').text).toBe(`${unit};\n\n${unit}.\n`)
  const program = formatPascal(`program p; ${flat}; uses u; begin end.`, 'p.pas', 'ucsd').text
  expect(program).toBe(`program p;\n\n${unit};\n\nuses u;\nbegin\nend.\n`)
})
