import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyTar, createQcow2, Ext4Builder, openQcow2, openRaw } from '@doppel/images'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-ext4-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const run = (program: string, words: readonly string[]): string =>
  execFileSync(program, [...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const MADE_AT = 1_700_000_000
/** tar's own files: names of every kind, links, modes, owners, holes, a directory of more than one block. */
const SOURCES = String.raw`
mkdir -p tree/deep/er tree/many tree/odd
printf hello >tree/deep/er/hello; ln tree/deep/er/hello tree/again; ln -s deep/er tree/short
ln -s "$(printf 'x%.0s' $(seq 200))" tree/long; mkfifo tree/fifo
head -c 9000000 /dev/urandom >tree/big; : >tree/empty
for i in $(seq 700); do echo $i >tree/many/a-rather-long-name-of-a-file-$i; done
printf x >"tree/odd/sp ace"; printf y >"tree/odd/ünï"; chmod 4711 tree/empty; chmod 1777 tree/odd
tar --owner=70000 --group=12 --mtime=@1234567890 -C tree -cf tree.tar .
`

test('a tar becomes a file system that e2fsck finds sound and debugfs reads back to the byte', async () => {
  execFileSync('sh', ['-ec', SOURCES], { cwd: folder })
  const disk = join(folder, 'disk.qcow2')
  await createQcow2(disk, 300 << 20)
  const store = await openQcow2(disk)
  const builder = new Ext4Builder(store, { uuid: new Uint8Array(16).fill(7), label: 'judged', madeAt: MADE_AT })
  const tar = await readFile(join(folder, 'tree.tar'))
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < tar.length; at += 65_536) yield tar.subarray(at, at + 65_536)
  }
  await applyTar(builder, chunks(), { where: 'tree.tar' })
  await builder.finish()
  await store.close()
  run('qemu-img', ['check', disk])
  const raw = join(folder, 'disk.raw')
  run('qemu-img', ['convert', '-O', 'raw', disk, raw])
  expect(run('e2fsck', ['-fn', raw])).toMatch(/judged: \d+\/\d+ files/)
  const back = join(folder, 'back')
  run('mkdir', [back])
  run('debugfs', ['-R', `rdump / ${back}`, raw])
  run('rmdir', [join(back, 'lost+found')])
  // debugfs leaves pipes out; what it says of this one is judged below.
  run('rm', [join(folder, 'tree/fifo')])
  run('diff', ['-r', '--no-dereference', join(folder, 'tree'), back])
  const stat = (path: string): string => run('debugfs', ['-R', `stat ${path}`, raw])
  expect(stat('/empty')).toMatch(/Type: regular +Mode: +04711[^]*User: 70000 +Group: +12[^]*mtime: 0x499602d2/)
  expect(stat('/odd')).toMatch(/Type: directory +Mode: +01777/)
  expect(stat('/again')).toMatch(/Links: 2/)
  expect(stat('/fifo')).toMatch(/Type: FIFO/)
})

test('contents that were replaced leave no blocks behind', async () => {
  const raw = join(folder, 'disk.raw')
  run('truncate', ['-s', '64M', raw])
  const store = await openRaw(raw, {})
  const builder = new Ext4Builder(store, { uuid: new Uint8Array(16).fill(9), label: '', madeAt: MADE_AT })
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: MADE_AT }
  for (const length of [5_000_000, 3]) {
    const content = await builder.content(length, [new Uint8Array(length).fill(1)])
    builder.tree.put('file', { type: 'file', attributes, content })
  }
  await builder.finish()
  await store.close()
  expect(run('e2fsck', ['-fn', raw])).toMatch(/files/)
})
