import { expect, test } from 'vitest'
import { compilePascal } from '../pascal/compile.ts'
import type { Program } from '../program/program.ts'
import { listProgram } from './listing.ts'

test('each routine is listed as p-code by lines, beside its WebAssembly', () => {
  const { program } = compilePascal(`program p(output);
function twice(n: integer): integer;
begin twice := n + n end;
begin
  writeln(twice(21))
end.`)
  const [main, twice] = listProgram(program as Program)
  expect([main?.name, twice?.name]).toEqual(['p', 'twice'])
  expect(main?.pcode.filter(({ line }) => line === 5).map(({ text }) => text)).toContain('cup 1 ! twice')
  expect(main?.wasm).toMatch(/call \$twice/)
  expect(twice?.wasm).toMatch(/i32\.add/)
})
