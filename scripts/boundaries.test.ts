import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { type SourceFile, sourceFiles } from './sources.ts'

/** Which packages each may import: the table of ARCHITECTURE.md. A change here needs a record in docs/decisions/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wasm: ['base'],
  engine: ['base', 'wasm'],
  riscv: ['base', 'wasm', 'engine'],
  devices: ['base'],
  board: ['base', 'devices'],
  images: ['base'],
  monitor: ['base'],
  jvm: ['base', 'wasm'],
  pcode: ['base', 'wasm'],
  doppel: ['base', 'engine', 'riscv', 'devices', 'board', 'images', 'monitor', 'jvm', 'pcode'],
  testkit: ['base', 'wasm', 'engine', 'riscv', 'devices', 'board', 'images', 'monitor', 'doppel', 'jvm', 'pcode'],
}

/** Packages that run in browsers too. */
const LOW = new Set(['base', 'wasm', 'engine', 'riscv', 'devices', 'board', 'monitor', 'jvm', 'pcode'])

const files = sourceFiles()
const packageOf = (specifier: string): string | undefined =>
  /^@doppel\/([a-z]+)(?:\/|$)/.exec(specifier)?.[1] ?? (specifier === 'doppel' ? 'doppel' : undefined)

test('every package is in the table', () => {
  expect([...new Set(files.map(f => f.package))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

test('packages import only what the table allows; tests may import testkit too', () => {
  const forbidden = files.flatMap(file =>
    file.imports
      .map(packageOf)
      .filter(name => name !== undefined && name !== file.package)
      .filter(name => !(MAY_IMPORT[file.package] as readonly string[]).includes(name as string))
      .filter(name => !(file.isTest && name === 'testkit'))
      .map(name => `${file.path} imports ${name}`),
  )
  expect(forbidden).toEqual([])
})

test('relative imports name their extension and stay in their package; tests may share test drivers', () => {
  const stays = (file: SourceFile, target: string): boolean =>
    target.startsWith(`packages/${file.package}/`) || (file.isTest && /^packages\/[a-z]+\/test\//.test(target))
  const wrong = files.flatMap(file =>
    file.imports
      .filter(specifier => specifier.startsWith('.'))
      .filter(s => !/\.(ts|js)$/.test(s) || !stays(file, join(dirname(file.path), s)))
      .map(specifier => `${file.path} imports ${specifier}`),
  )
  expect(wrong).toEqual([])
})

test('low packages use nothing that only Node has', () => {
  const nodeOnly = files
    .filter(file => LOW.has(file.package) && !file.path.includes('.node.test.ts') && !file.path.includes('/bench/'))
    .filter(file => file.imports.some(s => s.startsWith('node:')) || /\bprocess\.|\bBuffer\b/.test(file.text))
    .map(file => file.path)
  expect(nodeOnly).toEqual([])
})

test('files do not import one another in circles, types aside', () => {
  const byPath = new Map(files.map(file => [file.path, file]))
  const valueImports = (file: SourceFile): string[] =>
    [...file.text.matchAll(/^(?:import|export)\s+(?!type\b)(?:\{[^}]*\}|[^'{};]+?)\s*from '(\.[^']+)'/gm)]
      .filter(match => !/^(?:import|export)\s*\{(?:\s*type\s+[\w$]+,?)+\s*\}/.test(match[0]))
      .map(match => join(dirname(file.path), match[1] as string))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    const file = byPath.get(path)
    if (!file || done.has(path)) return
    for (const next of valueImports(file)) visit(next, [...trail, path])
    done.add(path)
  }
  for (const file of files) visit(file.path, [])
  expect(circles).toEqual([])
})
