import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HostIoError, type JvmHost } from '@doppel/jvm'
import { afterAll, expect, test } from 'vitest'
import { jailFiles, readFileGrant } from './file-jail.ts'
import { nodeJvmHost } from './host.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'doppel-jail-')))
afterAll(() => rmSync(root, { recursive: true }))
const at = (...parts: string[]): string => join(root, ...parts)
mkdirSync(at('mine'))
mkdirSync(at('mine-too'))
mkdirSync(at('read'))
writeFileSync(at('secret'), 'secret')
writeFileSync(at('read', 'a'), 'a')
symlinkSync(at('secret'), at('mine', 'link'))
symlinkSync(root, at('mine', 'up'))
symlinkSync('../made', at('mine', 'dangling'))
symlinkSync('round', at('mine', 'round'))

const READ = { read: true, write: false, append: false, create: false, truncate: false, exclusive: false }
const CREATE = { ...READ, write: true, create: true }
const jail: JvmHost = jailFiles(nodeJvmHost({}), [readFileGrant(at('mine')), readFileGrant(`${at('read')}:ro`)], [])
const refused = (run: () => unknown): void => expect(run).toThrow(HostIoError)

test('what is granted is used as ever', () => {
  const file = jail.open(at('mine', 'new'), CREATE)
  file.write(Uint8Array.of(1, 2, 3), 0)
  file.close()
  expect(jail.stat(at('mine', 'new'))).toMatchObject({ sizeBytes: 3, writable: true })
  jail.makeFolder(at('mine', 'folder'))
  jail.rename(at('mine', 'new'), at('mine', 'folder', 'newer'))
  expect(jail.list(at('mine', 'folder'))).toEqual(['newer'])
  jail.remove(at('mine', 'folder', 'newer'))
})

test('what is granted to read only is read only', () => {
  expect(jail.stat(at('read', 'a'))).toMatchObject({ kind: 'file', writable: false })
  jail.open(at('read', 'a'), READ).close()
  refused(() => jail.open(at('read', 'a'), CREATE))
  refused(() => jail.open(at('read', 'b'), CREATE))
  refused(() => jail.remove(at('read', 'a')))
  refused(() => jail.rename(at('read', 'a'), at('mine', 'a')))
})

test.each([
  ['beside it', at('secret')],
  ['by a name that begins the same', at('mine-too')],
  ['upwards', at('mine', '..', 'secret')],
  ['through a link', at('mine', 'link')],
  ['through a link to a folder', at('mine', 'up', 'secret')],
  ['above all', '/'],
])('what is not granted is not there: %s', (_how, path) => {
  expect(jail.stat(path)).toBeUndefined()
  expect(jail.list(path)).toBeUndefined()
  refused(() => jail.open(path, READ))
  refused(() => jail.open(path, CREATE))
  refused(() => jail.setModified(path, 0))
})

test('nothing is made outside by way of a link that leads nowhere', () => {
  refused(() => jail.open(at('mine', 'up', 'made'), CREATE))
  refused(() => jail.makeFolder(at('mine', 'up', 'made')))
  refused(() => jail.rename(at('mine', 'link'), at('mine', 'up', 'moved')))
  refused(() => jail.open(at('mine', 'dangling'), CREATE))
  refused(() => jail.open(at('mine', 'round'), CREATE))
  expect(existsSync(at('made'))).toBe(false)
})

test('a link is seen as a link, and removed as one', () => {
  expect(jail.stat(at('mine', 'link'), false)).toMatchObject({ kind: 'link' })
  jail.remove(at('mine', 'link'))
  expect(jail.stat(at('mine', 'link'), false)).toBeUndefined()
})
