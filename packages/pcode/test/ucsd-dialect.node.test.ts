import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'vitest'
import { type IsoCase, parseCases } from './iso7185-cases.ts'
import { judgeCase } from './judge-case.ts'

const FOLDER = new URL('./ucsd-dialect/', import.meta.url)
const cases = readdirSync(FOLDER)
  .filter(name => name.endsWith('.txt'))
  .sort()
  .flatMap(file => parseCases(file, readFileSync(new URL(file, FOLDER), 'utf8')))
const subjectOf = ({ title }: IsoCase): string => title.slice(0, title.indexOf(' '))

describe.each([...Map.groupBy(cases, subjectOf)])('UCSD Pascal: %s', (_, group) => {
  for (const one of group) test(one.title, () => judgeCase(one, 'ucsd'))
})
