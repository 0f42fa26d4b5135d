import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { sourceFiles } from './sources.ts'

const MAX_LINES = 400

/** Long files that are nothing but tables. */
const TABLES = new Set(['packages/engine/test/float-vectors.ts'])

const files = sourceFiles()
const product = files.filter(file => !file.isTest && !file.path.includes('/bin/'))

test('no file is longer than 400 lines', () => {
  const long = files
    .filter(f => !TABLES.has(f.path))
    .map(f => [f.path, f.text.split('\n').length - 1] as const)
    .filter(([, lines]) => lines > MAX_LINES)
  expect(long).toEqual([])
})

test('files are named in kebab-case, and not for being a drawer', () => {
  const odd = files
    .map(file => basename(file.path))
    .filter(name => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(name) || /^(utils?|helpers?|misc|common)\./.test(name))
  expect(odd).toEqual([])
})

test('types are not named I… or …Manager', () => {
  const odd = files.flatMap(f => [
    ...f.text.matchAll(/^export (?:interface|class|type) (I[A-Z][a-z]\w*|\w*Manager)\b/gm),
  ])
  expect(odd.map(match => match[1])).toEqual([])
})

test('every export of a module says what it is', () => {
  const silent = product.flatMap(file => {
    const lines = file.text.split('\n')
    return lines.flatMap((line, i) => {
      const name = /^export (?:abstract |async |declare )?(?:function\*?|class|const|let|interface|type) (\w+)/.exec(
        line,
      )?.[1]
      const before = lines[i - 1]?.trim() ?? ''
      // Members of one group of constants share the comment above the group.
      const constant = /^export const [A-Z][A-Za-z0-9_]*\b/
      const grouped = constant.test(before) && constant.test(line)
      return name && !before.endsWith('*/') && !grouped ? [`${file.path}: ${name}`] : []
    })
  })
  expect(silent).toEqual([])
})

/** What must not be in product code, and why. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/, 'time and randomness come through Clock and EntropySource'],
  [/catch\s*(\(\w+\))?\s*\{\s*\}/, 'a failure is not swallowed'],
  [/\b(TODO|FIXME|XXX)\b/, 'what is left to do is an issue'],
  [/@ts-(ignore|expect-error|nocheck)|oxlint-disable|eslint-disable|biome-ignore/, 'rules are kept, not switched off'],
  [/^export default/m, 'exports are named'],
  [/^export \* from/m, 'a package lists what it exports'],
]

test.each(FORBIDDEN)('no %s: %s', pattern => {
  expect(product.filter(file => pattern.test(file.text)).map(file => file.path)).toEqual([])
})
