import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, ImageCache, linuxImage } from '@doppel/images'
import { Machine } from 'doppel'
import { beforeAll, expect, test } from 'vitest'

beforeAll(async () => {
  await linuxImage({ cache: new ImageCache(cacheFolder()) })
})

test('a start that does not fit the machine is not gone on from: it boots, and leaves its own', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'doppel-starts-'))
  const before = process.env['XDG_CACHE_HOME']
  try {
    await mkdir(join(cache, 'doppel'))
    for (const part of ['objects', 'records']) await symlink(join(cacheFolder(), part), join(cache, 'doppel', part))
    process.env['XDG_CACHE_HOME'] = cache
    const harts = async (cpus: number): Promise<string> => {
      await using machine = await Machine.create('linux', { cpus })
      return (await machine.commands.run('nproc')).stdout
    }
    expect([await harts(1), await harts(2)]).toEqual(['1\n', '2\n'])
    const folder = join(cache, 'doppel', 'starts')
    const [one = '', two = ''] = (await readdir(folder)).filter(name => name.endsWith('.snap'))
    const [first, second] = [await readFile(join(folder, one)), await readFile(join(folder, two))]
    await writeFile(join(folder, one), second)
    await writeFile(join(folder, two), first)
    expect([await harts(1), await harts(2)]).toEqual(['1\n', '2\n'])
  } finally {
    if (before === undefined) delete process.env['XDG_CACHE_HOME']
    else process.env['XDG_CACHE_HOME'] = before
    await rm(cache, { recursive: true, force: true })
  }
})
