import { expect } from 'vitest'
import { memoryFiles } from '../src/machine/memory-files.ts'
import { runProgram } from '../src/machine/run.ts'
import { compilePascal } from '../src/pascal/compile.ts'
import type { Dialect } from '../src/pascal/dialect.ts'
import type { IsoCase } from './iso7185-cases.ts'

const ENGINES = ['interpreter', 'translator'] as const

/** Compiles a case, runs it on both engines, and compares what comes of it. */
export async function judgeCase(
  { program: text, input, files: beside, outcome, place }: IsoCase,
  dialect?: Dialect['name'],
): Promise<void> {
  const options = { file: 't.pas', readFile: (name: string) => beside[name], ...(dialect && { dialect }) }
  const { program, diagnostics } = compilePascal(text, options)
  const found = diagnostics.map(d => `${d.code} ${d.at.line}:${d.at.column} ${d.message}`)
  if (outcome.kind === 'rejected') {
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^${outcome.code} `))
    const at = diagnostics[0]
    if (place) expect({ line: at?.at.line, column: at?.at.column }).toEqual({ line: place.line, column: place.column })
    if (place && place.width > 0) expect(at?.width).toBe(place.width)
    return
  }
  expect(found).toEqual([])
  if (program === undefined) throw new Error('there is no program')
  for (const engine of ENGINES) {
    const files = memoryFiles({ input })
    const result = await runProgram(program, { files, engine })
    if (outcome.kind === 'output') {
      expect(result.problem?.message).toBeUndefined()
      expect(files.text('output')).toBe(outcome.text)
    } else {
      expect(result.problem?.code).toBe(outcome.code)
      if (outcome.line !== undefined) expect(result.trace[0]?.line).toBe(outcome.line)
    }
  }
}
