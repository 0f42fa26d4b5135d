import { expect, test } from 'vitest'
import { PackageIndex } from './package-index.ts'

/** An index of packages written `name: field: value; field: value`. */
async function indexOf(packages: Readonly<Record<string, string>>): Promise<PackageIndex> {
  const stanzas = Object.entries(packages).map(([name, fields]) => {
    const rest = fields === '' ? '' : `\n${fields.split('; ').join('\n')}`
    return `Package: ${name}\nFilename: pool/${name}.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}${rest}\n\n`
  })
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(stanzas.join(''))
  }
  return await PackageIndex.read(chunks())
}
const names = (index: PackageIndex, wanted: string[]): string[] => index.closure(wanted).map(each => each.name)

test('a closure has what packages depend on, dependencies first', async () => {
  const index = await indexOf({
    aa: 'Depends: bb (>= 2), cc:any',
    bb: 'Pre-Depends: dd',
    cc: '',
    dd: '',
    ee: 'Depends: aa',
  })
  expect(names(index, ['aa'])).toEqual(['dd', 'bb', 'cc', 'aa'])
})

test('of alternatives what is wanted anyway serves, else the first that exists', async () => {
  const index = await indexOf({ aa: 'Depends: none | xx | yy', xx: '', yy: '' })
  expect(names(index, ['aa'])).toEqual(['xx', 'aa'])
  expect(names(index, ['aa', 'yy'])).toEqual(['yy', 'aa'])
})

test('a virtual package is what provides it', async () => {
  const index = await indexOf({ aa: 'Depends: mail-agent', post: 'Provides: mail-agent (= 1), other' })
  expect(names(index, ['aa'])).toEqual(['post', 'aa'])
})

test('packages that depend on one another come both, once', async () => {
  const index = await indexOf({ aa: 'Depends: bb', bb: 'Depends: aa' })
  expect(names(index, ['aa']).sort()).toEqual(['aa', 'bb'])
})

test('the required ones are those of that priority', async () => {
  const index = await indexOf({ aa: 'Priority: required', bb: 'Priority: optional', cc: 'Priority: required' })
  expect(index.required).toEqual(['aa', 'cc'])
})

test('a dependency that nothing meets is an error that names both', async () => {
  const index = await indexOf({ aa: 'Depends: gone | lost' })
  expect(() => index.closure(['aa'])).toThrow(
    expect.objectContaining({ code: 'debian.package', message: expect.stringMatching(/aa needs gone or lost/) }),
  )
})
