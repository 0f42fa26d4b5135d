import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { compilePascal } from '../pascal/compile.ts'
import { CODE_WORDS, type Program } from '../program/program.ts'
import { ROWS } from '../rows/p5.ts'

const SOURCE = `program all(input, output);
label 9;
type
  link = ^node;
  node = record next: link; case full: boolean of true: (value: integer); false: (name: char) end;
  small = set of 1..20;
var
  i, total: integer;
  head: link;
  s: small;
  letters: set of char;
  x: real;
  a: array [1..10] of integer;
procedure each(procedure act(n: integer); limit: integer);
var j: integer;
begin
  for j := 1 to limit do act(j)
end;
procedure outer(n: integer);
label 5;
var deep: integer;
  procedure add(k: integer);
  begin
    deep := deep + k;
    if deep > 50 then goto 5;
    if deep > 500 then goto 9
  end;
begin
  deep := 0;
  each(add, n);
  5: total := total + deep
end;
function power(b: real; n: integer): real;
begin
  if n = 0 then power := 1 else power := b * power(b, n - 1)
end;
begin
  total := 0;
  outer(3);
  outer(30);
  for i := 1 to 10 do a[i] := i * i mod 7;
  s := [1..5] + [7];
  letters := ['a'..'z', '0'];
  for i := 1 to 10 do
    case a[i] of
      0, 1: total := total + 1;
      2: if i in s then total := total + 10;
      4: if chr(96 + i) in letters then total := total * 2
    end;
  new(head);
  head^.next := nil;
  head^.full := true;
  head^.value := total;
  x := power(1.5, 5) / 3;
  while (total > 0) and not odd(total) do total := total div 2;
  dispose(head);
  9: writeln(total: 1, trunc(x): 3, ' ', x: 1: 2)
end.`

const compiled = [true, false].map(checks => compilePascal(SOURCE, { checks }).program as Program)

/** Changes of words of the code: any word, or the row of an instruction. */
const edits = fc.array(
  fc.record({
    routine: fc.nat(10),
    word: fc.nat(2000),
    row: fc.boolean(),
    value: fc.oneof(fc.nat(12), fc.nat(ROWS.length - 1), fc.integer({ min: -40, max: 400 }), fc.integer()),
  }),
  { minLength: 1, maxLength: 5 },
)
function changed(
  program: Program,
  list: readonly { routine: number; word: number; row: boolean; value: number }[],
): Program {
  const routines = program.routines.map(routine => ({ ...routine, code: routine.code.slice() }))
  for (const edit of list) {
    const { code } = routines[edit.routine % routines.length] as { code: Int32Array }
    const at = edit.word % code.length
    code[edit.row ? at - (at % CODE_WORDS) : at] = edit.value
  }
  return { ...program, routines }
}
class Enough extends Error {}

describe('p-code whose words were changed', () => {
  it.each(['translator', 'interpreter'] as const)('is refused, or runs within its machine (%s)', async engine => {
    let ran = 0
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), async (list, checks) => {
        const program = changed(compiled[checks ? 0 : 1] as Program, list)
        let looks = 0
        const look = (): undefined => {
          if (++looks > 1) throw new Enough()
        }
        try {
          const result = await runProgram(program, {
            files: memoryFiles(),
            engine,
            memoryBytes: 1 << 20,
            stackBytes: 1 << 16,
            look,
          })
          ran++
          expect(result.exitCode).toBeLessThanOrEqual(255)
        } catch (error) {
          const refused = error instanceof DoppelError && error.code.startsWith('pcode.')
          if (!refused && !(error instanceof Enough)) throw error
        }
      }),
      { numRuns: 300 },
    )
    // Some changes must leave a program that runs, or this proves nothing of running.
    expect(ran).toBeGreaterThan(20)
  })
  it('runs as it was meant to without a change', async () => {
    for (const program of compiled) {
      for (const engine of ['translator', 'interpreter'] as const) {
        const files = memoryFiles()
        expect((await runProgram(program, { files, engine })).problem).toBeUndefined()
        expect(files.text('output')).toMatch(/^\d+ {2}\d \d\.\d\d\n$/)
      }
    }
  })
})
