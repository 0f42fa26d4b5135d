import { Random } from './random.ts'

/** How deep expressions and statements are nested. */
const MAX_DEPTH = 3
const STRING_LENGTH = 6
const ARRAY_LOW = -3
const ARRAY_HIGH = 8

/** What every generated program declares: types, variables, and routines that keep values small. */
const PRELUDE = `
const size = ${ARRAY_HIGH};
type
  colour = (red, orange, yellow, green, blue);
  small = ${ARRAY_LOW}..size;
  vector = array [small] of integer;
  name = packed array [1..${STRING_LENGTH}] of char;
  colours = set of colour;
  letters = set of char;
  bytes = packed array [0..9] of 0..255;
  item = record
    key: integer; tag: name; shade: colour; inside: packed record flag: boolean; weight: -100..100 end;
    case kind: boolean of true: (count: integer); false: (letter: char; share: real)
  end;
  list = ^node;
  node = record value: integer; rest: list end;
var
  i0, i1, i2, i3: integer; r0, r1: real; b0, b1, b2: boolean; c0, c1: char; k0, k1: colour; s0, s1: name;
  v0, v1: vector; q0, q1: colours; l0, l1: letters; m0, m1: item; p0: bytes; head, walk: list; f0: text; f1: file of integer;
  x0, x1, x2, x3: integer;

function tame(n: integer): integer;
begin if n < 0 then tame := -(-n mod 1000) else tame := n mod 1000 end;

function slot(n: integer): small;
begin slot := abs(tame(n)) mod (size + ${1 - ARRAY_LOW}) ${ARRAY_LOW} end;

function hue(n: integer): colour;
begin case abs(tame(n)) mod 5 of 0: hue := red; 1: hue := orange; 2: hue := yellow; 3: hue := green; 4: hue := blue end end;

function glyph(n: integer): char;
begin glyph := chr(ord('a') + abs(tame(n)) mod 26) end;

function twice(n: integer): integer;
begin twice := tame(2 * n) end;

function mirror(n: integer): integer;
begin mirror := -tame(n) end;

function apply(function f(n: integer): integer; n: integer): integer;
  function inside(n: integer): integer;
  begin inside := f(n) + 1 end;
  function through(function g(n: integer): integer): integer;
  begin through := g(f(n)) end;
begin if odd(n) then apply := through(inside) else apply := through(f) end;

function search(var v: vector; limit: integer): integer;
label 1;
var at: integer;
  procedure look(from: integer);
  begin
    at := from;
    if v[from] > limit then goto 1;
    if from < size then look(from + 1)
  end;
begin at := 0; look(${ARRAY_LOW}); at := -at; 1: search := at end;

procedure push(n: integer);
var one: list;
begin new(one); one^.value := n; one^.rest := head; head := one end;
`

/** Prints all variables, so that any difference shows. */
const EPILOGUE = `
procedure dump;
var i: integer; k: colour; c: char;
begin
  writeln('i ', i0:1, ' ', i1:1, ' ', i2:1, ' ', i3:1);
  writeln('r ', r0:1:4, ' ', r1:1:4);
  writeln('b ', ord(b0):1, ord(b1):1, ord(b2):1, ' c ', c0, c1, ' k ', ord(k0):1, ord(k1):1, ' s ', s0, '|', s1:8);
  for i := ${ARRAY_LOW} to size do write(v0[i]:1, ',', v1[i]:1, ' '); writeln;
  for k := red to blue do write(ord(k in q0):1, ord(k in q1):1, ' ');
  for c := 'a' to 'z' do write(ord(c in l0):1, ord(c in l1):1); writeln;
  with m0 do writeln('m ', key:1, tag, ord(shade):1, ord(inside.flag):1, inside.weight:1);
  with m1 do begin write('m ', key:1, tag, ord(shade):1); if kind then writeln(count:5) else writeln(letter, share:8:3) end;
  for i := 0 to 9 do write(p0[i]:1, ' '); writeln;
  walk := head; i := 0;
  while (walk <> nil) and (i < 20) do begin write(walk^.value:1, ' '); walk := walk^.rest; i := i + 1 end; writeln
end;
`

const SETUP = `
  i0 := 1; i1 := -2; i2 := 3; i3 := 40; r0 := 1.5; r1 := -0.25; b0 := true; b1 := false; b2 := true; c0 := 'x'; c1 := 'b';
  k0 := green; k1 := red; s0 := 'abcdef'; s1 := 'zyxwvu'; q0 := [red, blue]; q1 := []; l0 := ['a'..'f']; l1 := ['e', 'z'];
  for x0 := ${ARRAY_LOW} to size do begin v0[x0] := x0 * x0; v1[x0] := 7 - x0 end;
  for x0 := 0 to 9 do p0[x0] := x0 * 25;
  with m0 do begin key := 5; tag := 'record'; shade := blue; inside.flag := false; inside.weight := -7; kind := true; count := 9 end;
  m1 := m0; m1.kind := false; m1.letter := 'q'; m1.share := 0.5; head := nil; walk := nil;
`

/** A program that ISO 7185 gives one meaning: no overflow, nothing undefined, no order of evaluation that matters. */
export function generateProgram(seed: number): string {
  return new Generator(seed).program()
}

class Generator {
  readonly #random: Random
  #depth = 0
  /** Routines so far: functions of two integers. */
  #functions = 0
  #procedures = 0
  /** Loop variables in use. */
  #loops = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
  }

  program(): string {
    const routines: string[] = []
    for (let i = 0; i < 3; i++) routines.push(this.#function(i))
    for (let i = 0; i < 3; i++) routines.push(this.#procedure(i))
    const body = this.#statements(14).join(';\n  ')
    return `program generated(output);\n${PRELUDE}${routines.join('')}${EPILOGUE}\nbegin${SETUP}  ${body};\n  dump\nend.\n`
  }

  #function(index: number): string {
    const local = ['a', 'b']
    const expression = this.#integer(1, local)
    const other = this.#integer(1, local)
    this.#functions = index + 1
    return `
function g${index}(a, b: integer): integer;
var t: integer;
  function inner(n: integer): integer;
  begin if n > b then inner := tame(n - b) else inner := tame(a + n) end;
begin
  if a > ${this.#random.within(3, 9)} then g${index} := tame(g${index}(a div 2, b + 1) + ${expression})
  else begin t := ${other}; g${index} := inner(tame(t)) end
end;
`
  }

  #procedure(index: number): string {
    const body = this.#statements(3).join('; ')
    this.#procedures = index + 1
    return `
procedure h${index}(var a: integer; b: integer; var v: vector; m: item; w: vector);
var y0, y1, y2, y3: integer;
begin
  y0 := b; a := tame(a + y0); v[slot(b)] := a; m.key := tame(m.key + a); w[slot(a)] := m.key;
  for y1 := ${ARRAY_LOW} to size do v[y1] := tame(v[y1] + w[y1]);
  y2 := 0; y3 := 0; while y2 < 3 do begin y2 := y2 + 1; y3 := y3 + y2 end;
  i3 := tame(i3 + y3); ${body.replaceAll('x0', 'y0').replaceAll('x1', 'y1').replaceAll('x2', 'y2').replaceAll('x3', 'y3')}
end;
`
  }

  #statements(count: number): string[] {
    return Array.from({ length: count }, () => this.#statement())
  }

  #block(): string {
    return `begin ${this.#statements(this.#random.within(1, 3)).join('; ')} end`
  }

  #statement(): string {
    this.#depth++
    const text = this.#depth > MAX_DEPTH ? this.#simple() : this.#random.chance(55) ? this.#simple() : this.#compound()
    this.#depth--
    return text
  }

  #simple(): string {
    const r = this.#random
    const n = (): string => this.#integer(2)
    switch (r.below(19)) {
      case 0:
        return `${this.#intVariable()} := tame(${n()})`
      case 1:
        return `v${r.below(2)}[slot(${n()})] := tame(${n()})`
      case 2:
        return `b${r.below(3)} := ${this.#boolean(2)}`
      case 3:
        return `c${r.below(2)} := ${this.#char()}`
      case 4:
        return `k${r.below(2)} := ${this.#colour()}`
      case 5:
        return `s${r.below(2)}[${r.within(1, STRING_LENGTH)}] := ${this.#char()}`
      case 6:
        return r.chance(50) ? `s0 := s1` : `s${r.below(2)} := '${this.#word()}'`
      case 7:
        return `q${r.below(2)} := ${this.#colours()}`
      case 8:
        return `l${r.below(2)} := l0 ${r.pick(['+', '*', '-'])} ([${this.#char()}] + ['c'..${this.#char()}])`
      case 9:
        return `r${r.below(2)} := tame(${n()}) / ${r.pick(['4', '8', '16'])}`
      case 10:
        return `m${r.below(2)}.key := tame(${n()})`
      case 11:
        return `with m0, inside do begin weight := ${r.within(-100, 100)}; flag := ${this.#boolean(1)}; count := tame(${n()}) end`
      case 12:
        return `with m1 do begin kind := false; letter := ${this.#char()}; share := ${r.within(-50, 50)} / 8 end`
      case 13:
        return `push(tame(${n()}))`
      case 14:
        return `p0[${r.below(10)}] := abs(tame(${n()})) mod 256`
      case 15:
        return r.chance(50) ? 'v1 := v0' : 'if head <> nil then head^.value := tame(head^.value + 1)'
      case 16:
        return this.#procedures > 0 && this.#depth < 2
          ? `h${r.below(this.#procedures)}(i${r.below(3)}, tame(${n()}), v${r.below(2)}, m0, v1)`
          : `i2 := tame(${n()})`
      case 17:
        return `writeln(${n()}:${r.within(1, 12)}, ${this.#boolean(1)}:6, ${this.#char()}:2, s0:${r.within(1, 9)}, r0:9:3)`
      default:
        return this.#files()
    }
  }

  #compound(): string {
    const r = this.#random
    const loop = this.#loops
    switch (r.below(loop < 4 ? 6 : 3)) {
      case 0:
        return `if ${this.#boolean(2)} then ${this.#block()}${r.chance(60) ? ` else ${this.#block()}` : ''}`
      case 1:
        return `case ${this.#colour()} of red: ${this.#simple()}; orange, yellow: ${this.#block()}; green: ; blue: ${this.#simple()} end`
      case 2:
        return `case abs(tame(${this.#integer(1)})) mod 4 of 0: ${this.#simple()}; 1, 3: ${this.#simple()}; 2: ${this.#block()} end`
      case 3: {
        this.#loops++
        const [low, high] = [r.within(-3, 2), r.within(0, 8)]
        const direction = r.chance(50) ? `${low} to ${high}` : `${high} downto ${low}`
        const text = `for x${loop} := ${direction} do ${this.#block()}`
        this.#loops--
        return text
      }
      case 4: {
        this.#loops++
        const text = `begin x${loop} := 0; while x${loop} < ${r.within(1, 6)} do begin x${loop} := x${loop} + 1; ${this.#block()} end end`
        this.#loops--
        return text
      }
      default: {
        this.#loops++
        const text = `begin x${loop} := ${r.within(1, 5)}; repeat x${loop} := x${loop} - 1; ${this.#block()} until x${loop} <= 0 end`
        this.#loops--
        return text
      }
    }
  }

  #files(): string {
    const n = this.#random.within(1, 4)
    return this.#random.chance(50)
      ? `begin rewrite(f0); for i3 := 1 to 3 do writeln(f0, i3 * ${n}:4, 'ab'); reset(f0); while not eof(f0) do begin read(f0, i1, c0); readln(f0); i0 := tame(i0 + i1) end end`
          .replace('for i3 := 1 to 3 do', 'i3 := 0; while i3 < 3 do begin i3 := i3 + 1;')
          .replace("'ab');", "'ab') end;")
      : `begin rewrite(f1); write(f1, i0, i1, tame(i2)); reset(f1); i2 := 0; while not eof(f1) do begin i2 := tame(i2 + f1^); get(f1) end end`
  }

  #word(): string {
    return Array.from({ length: STRING_LENGTH }, () => String.fromCharCode(97 + this.#random.below(26))).join('')
  }

  #intVariable(): string {
    return this.#random.pick(['i0', 'i1', 'i2', 'i3', 'm0.key', 'm1.key'])
  }

  /** An integer that stays far from maxint: factors are tamed. */
  #integer(depth: number, local: readonly string[] = []): string {
    const r = this.#random
    const leaf = (): string => {
      if (local.length > 0) return r.chance(70) ? r.pick(local) : String(r.within(0, 99))
      return r.pick([
        this.#intVariable(),
        `v${r.below(2)}[${r.within(ARRAY_LOW, ARRAY_HIGH)}]`,
        String(r.within(0, 300)),
      ])
    }
    if (depth <= 0) return leaf()
    const [a, b] = [this.#integer(depth - 1, local), this.#integer(depth - 1, local)]
    switch (r.below(local.length > 0 ? 8 : 14)) {
      case 0:
        return `(${a} + ${b})`
      case 1:
        return `(${a} - ${b})`
      case 2:
        return `tame(tame(${a}) * tame(${b}))`
      case 3:
        return `(tame(${a}) div ${r.within(1, 9)})`
      case 4:
        return `(tame(${a}) mod ${r.within(1, 20)})`
      case 5:
        return `abs(${a})`
      case 6:
        return `(-${a})`
      case 7:
        return leaf()
      case 8:
        return `ord(${this.#colour()})`
      case 9:
        return `trunc(tame(${a}) / 3)`
      case 10:
        return `ord(${this.#char()})`
      case 11:
        return `apply(${r.pick(['twice', 'mirror', 'tame'])}, tame(${a}))`
      case 12:
        return `search(v${r.below(2)}, tame(${a}))`
      default:
        return this.#functions > 0 ? `g${r.below(this.#functions)}(abs(tame(${a})) mod 40, tame(${b}))` : leaf()
    }
  }

  #boolean(depth: number): string {
    const r = this.#random
    if (depth <= 0) return r.pick(['b0', 'b1', 'b2', 'm0.inside.flag', 'true'])
    const relation = r.pick(['<', '<=', '=', '<>', '>', '>='])
    switch (r.below(9)) {
      case 0:
        return `(${this.#boolean(depth - 1)} and ${this.#boolean(depth - 1)})`
      case 1:
        return `(${this.#boolean(depth - 1)} or ${this.#boolean(depth - 1)})`
      case 2:
        return `(not ${this.#boolean(depth - 1)})`
      case 3:
        return `(${this.#integer(1)} ${relation} ${this.#integer(1)})`
      case 4:
        return `(s0 ${relation} s1)`
      case 5:
        return `(${this.#colour()} in ${this.#colours()})`
      case 6:
        return `(${this.#colours()} ${r.pick(['=', '<>', '<=', '>='])} q1)`
      case 7:
        return `(${this.#char()} in l${r.below(2)})`
      default:
        return `odd(${this.#integer(1)})`
    }
  }

  #char(): string {
    const r = this.#random
    return r.pick(['c0', 'c1', "'m'", `glyph(${this.#integer(0)})`, `s0[${r.within(1, STRING_LENGTH)}]`])
  }

  #colour(): string {
    const r = this.#random
    return r.pick(['k0', 'k1', 'green', 'm0.shade', `hue(${this.#integer(0)})`])
  }

  #colours(): string {
    const r = this.#random
    const one = (): string =>
      r.pick(['q0', 'q1', '[red, yellow]', `[${this.#colour()}]`, `[orange..${this.#colour()}]`, '[]'])
    return r.chance(60) ? `(${one()} ${r.pick(['+', '*', '-'])} ${one()})` : one()
  }
}
