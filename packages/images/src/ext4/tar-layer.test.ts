import fc from 'fast-check'
import { DoppelError } from '@doppel/base'
import { packTar } from 'modern-tar'
import { expect, test } from 'vitest'
import { MemoryStore } from '../disk/memory.ts'
import { Ext4Builder } from './file-system.ts'
import { applyTar } from './tar-layer.ts'
import type { DirectoryNode } from './tree.ts'

const IDENTITY = { uuid: new Uint8Array(16), label: 'test', madeAt: 1_700_000_000 }
const builder = (): Ext4Builder => new Ext4Builder(new MemoryStore(new Uint8Array(16 << 20)), IDENTITY)

type Member = Parameters<typeof packTar>[0] extends readonly (infer T)[] ? T : never
const file = (name: string, text = name): Member => ({
  header: { name, size: text.length, type: 'file' },
  body: new TextEncoder().encode(text),
})
const folder = (name: string, mode = 0o755): Member => ({ header: { name, size: 0, type: 'directory', mode } })
const symlink = (name: string, linkname: string): Member => ({ header: { name, size: 0, type: 'symlink', linkname } })
const link = (name: string, linkname: string): Member => ({ header: { name, size: 0, type: 'link', linkname } })

async function* bytesOf(members: Member[]): AsyncGenerator<Uint8Array> {
  yield await packTar(members)
}
async function lay(into: Ext4Builder, members: Member[], layers = true): Promise<void> {
  await applyTar(into, bytesOf(members), { where: 'test', layers })
}

/** Paths of everything in the tree, directories with a slash. */
function paths(directory: DirectoryNode, prefix = ''): string[] {
  return [...directory.entries]
    .flatMap(([name, node]) =>
      node.type === 'directory' ? [`${prefix}${name}/`, ...paths(node, `${prefix}${name}/`)] : [prefix + name],
    )
    .sort()
}

test('a path through a link to a directory ends where the link leads', async () => {
  const fs = builder()
  await lay(fs, [folder('usr/lib'), symlink('lib', 'usr/lib'), file('lib/a'), folder('lib'), file('./lib/b')])
  expect(paths(fs.tree.root)).toEqual(['lib', 'usr/', 'usr/lib/', 'usr/lib/a', 'usr/lib/b'])
})

test.each(['/etc', '../../../../etc', '../.././etc/.'])('a link to %s stays inside the tree', async target => {
  const fs = builder()
  await lay(fs, [symlink('a/way/out', target), file('a/way/out/passwd')])
  expect(paths(fs.tree.root)).toContain('etc/passwd')
})

test('links that lead round in circles are refused', async () => {
  await expect(lay(builder(), [symlink('a', 'b'), symlink('b', 'a'), file('a/x')])).rejects.toThrow(
    expect.objectContaining({ code: 'tree.path' }),
  )
})

test('whiteouts remove what lower layers had, and nothing of their own', async () => {
  const fs = builder()
  await lay(fs, [file('keep/a'), file('drop/a'), file('opaque/old'), file('opaque/sub/old')])
  await lay(fs, [
    file('.wh.drop', ''),
    file('opaque/before'),
    file('opaque/.wh..wh..opq', ''),
    file('opaque/after'),
    file('none/.wh.there', ''),
  ])
  expect(paths(fs.tree.root)).toEqual(['keep/', 'keep/a', 'opaque/', 'opaque/after', 'opaque/before'])
})

test('in a plain tar a file may be named like a whiteout', async () => {
  const fs = builder()
  await lay(fs, [file('a'), file('.wh.a', '')], false)
  expect(paths(fs.tree.root)).toEqual(['.wh.a', 'a'])
})

test('a hard link is a second name of the same node; one to nothing is refused', async () => {
  const fs = builder()
  await lay(fs, [file('a'), link('b', 'a')])
  expect(fs.tree.find('b')).toBe(fs.tree.find('a'))
  await expect(lay(fs, [link('c', 'missing')])).rejects.toThrow(expect.objectContaining({ code: 'tree.link' }))
})

test('a directory named again keeps its entries and gets the new mode', async () => {
  const fs = builder()
  await lay(fs, [file('d/x'), folder('d', 0o700)])
  expect(fs.tree.find('d')).toMatchObject({ type: 'directory', attributes: { mode: 0o700 } })
  expect(paths(fs.tree.root)).toEqual(['d/', 'd/x'])
})

test('a disk too small for the files is refused with a code', async () => {
  const fs = builder()
  const big = { header: { name: 'big', size: 20 << 20, type: 'file' as const }, body: new Uint8Array(20 << 20) }
  await expect(lay(fs, [big])).rejects.toThrow(expect.objectContaining({ code: 'disk.full' }))
})

test('whatever names and links a tar holds, a file system comes of it or an error with a code', async () => {
  const name = fc.array(fc.constantFrom('a', 'b', '..', '.', '.wh.a', '.wh..wh..opq', ''), { maxLength: 4 })
  const path = name.map(parts => parts.join('/'))
  const member = fc.oneof(
    path.map(each => file(each, 'x')),
    path.map(each => folder(each)),
    fc.tuple(path, path).map(([from, to]) => symlink(from, `/${to}`)),
    fc.tuple(path, path).map(([from, to]) => link(from, to)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 12 }), async members => {
      const fs = builder()
      try {
        await lay(fs, members)
        await fs.finish()
      } catch (error) {
        expect(error).toBeInstanceOf(DoppelError)
      }
    }),
    { numRuns: 100 },
  )
})
