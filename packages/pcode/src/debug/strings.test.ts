import { expect, test } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { compilePascal } from '../pascal/compile.ts'
import type { Program } from '../program/program.ts'
import { ProgramDebugger } from './debugger.ts'

test('strings of varying length are shown, compared and changed', async () => {
  const text = `program p; var s: string[6];
begin
  s := 'abc';
  writeln(s)
end.`
  const { program } = compilePascal(text, { file: 'p.pas', dialect: 'ucsd' })
  const files = memoryFiles()
  const on = new ProgramDebugger(program as Program, { files, rest: () => Promise.resolve() })
  on.setBreakpoints('p.pas', [{ line: 4, condition: "s = 'abc'" }])
  expect(await on.run('continue')).toMatchObject({ reason: 'breakpoint' })
  const s = on.evaluate(0, 's')
  expect([s.text, s.type]).toEqual(["'abc'", 'string[6]'])
  s.assign?.("'it''s'")
  expect(() => s.assign?.("'too long'")).toThrow(/6 characters/)
  await on.run('continue')
  expect(files.text('output')).toBe("it's\n")
})
