import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runProgram } from '../src/machine/run.ts'
import { compilePascal } from '../src/pascal/compile.ts'
import { type IsoCase, parseCases } from './iso7185-cases.ts'
import { memoryFiles } from '../src/machine/memory-files.ts'

const FOLDER = new URL('./iso7185/', import.meta.url)
const cases = readdirSync(FOLDER)
  .filter(name => name.endsWith('.txt'))
  .sort()
  .flatMap(file => parseCases(file, readFileSync(new URL(file, FOLDER), 'utf8')))
const ENGINES = ['interpreter', 'translator'] as const
const clauseOf = ({ title }: IsoCase): string => title.slice(0, title.indexOf(' '))

describe.each([...Map.groupBy(cases, clauseOf)])('ISO 7185 %s', (_, group) => {
  for (const one of group) test(one.title, () => judge(one))
})

async function judge({ program: text, input, outcome, place }: IsoCase): Promise<void> {
  const { program, diagnostics } = compilePascal(text, { file: 't.pas' })
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
