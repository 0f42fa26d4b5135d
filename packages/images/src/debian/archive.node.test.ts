import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '@doppel/base'
import * as openpgp from 'openpgp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LocalArchive, localArchive } from '../../test/local-archive.ts'
import { ImageCache } from '../cache/image-cache.ts'
import { type ArchiveOptions, DebianArchive } from './archive.ts'
import { extractDeb } from './deb.ts'
import type { DebianPackage } from './packages.ts'
import { debianKeys, verifyRelease } from './release.ts'

const DAY_NS = 24 * 3600 * 1e9
let folder: string
let cache: ImageCache
let local: LocalArchive
let clock: VirtualClock

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-archive-'))
  cache = new ImageCache(folder)
  clock = new VirtualClock(BigInt(Date.parse('2026-07-01')) * 1_000_000n)
  local = await localArchive([
    { name: 'hello', files: { 'usr/bin/hello': 'Hello, world', 'usr/share/doc/hello': 'x'.repeat(100_000) } },
    { name: 'meta', fields: 'Depends: hello (= 1.0), libc6 | musl\n', files: {} },
  ])
})
afterEach(async () => {
  await local.close()
  await rm(folder, { recursive: true })
})

const client = (options: Partial<ArchiveOptions> = {}): DebianArchive =>
  new DebianArchive({ cache, mirror: local.url, suite: 'trixie', keys: local.keys, clock, ...options })

const named = async (name: string): Promise<DebianPackage> => {
  const [found] = await client().packages('riscv64', candidate => candidate === name)
  if (!found) throw new Error(`${name} is not in the index`)
  return found
}

const debPath = (): string => [...local.served.keys()].find(path => path.includes('hello')) as string

describe('a package', () => {
  test('is found through signed release and index, fetched, and its files taken out', async () => {
    const files = await extractDeb(await client().fetch(await named('hello')), path => path === 'usr/bin/hello')
    expect([...files.keys()]).toEqual(['usr/bin/hello'])
    expect(new TextDecoder().decode(files.get('usr/bin/hello')?.bytes)).toBe('Hello, world')
    expect(files.get('usr/bin/hello')?.mode).toBe(0o755)
  })

  test('names its dependencies, first alternative only', async () => {
    expect((await named('meta')).depends).toEqual(['hello', 'libc6'])
  })

  test('is downloaded once', async () => {
    const hello = await named('hello')
    await client().fetch(hello)
    await client().fetch(hello)
    expect(local.requests.filter(path => path === debPath())).toHaveLength(1)
  })

  test('is downloaded once by two clients at the same time', async () => {
    const hello = await named('hello')
    const other = new DebianArchive({
      cache: new ImageCache(folder),
      mirror: local.url,
      suite: 'trixie',
      keys: local.keys,
      clock,
    })
    await Promise.all([client().fetch(hello), other.fetch(hello), client().fetch(hello)])
    expect(local.requests.filter(path => path === debPath())).toHaveLength(1)
  })

  test('that the mirror altered is refused, and nothing of it stays', async () => {
    const hello = await named('hello')
    local.served.get(debPath())?.fill(0, 100, 110)
    await expect(client().fetch(hello)).rejects.toThrow(expect.objectContaining({ code: 'image.hash' }))
    expect(await cache.has(hello)).toBe(false)
    await expect(readFile(cache.partialPath(hello.sha256))).rejects.toThrow('ENOENT')
  })

  test('that is longer than announced is refused', async () => {
    const hello = await named('hello')
    local.served.set(debPath(), Buffer.concat([local.served.get(debPath()) as Uint8Array, new Uint8Array(9)]))
    await expect(client().fetch(hello)).rejects.toThrow(expect.objectContaining({ code: 'image.hash' }))
  })

  test('whose transfer breaks is continued where it stopped', async () => {
    const hello = await named('hello')
    local.breakAfterBytes = 200
    await client().fetch(hello)
    expect(local.requests.at(-1)).toBe(`${debPath()} bytes=200-`)
    expect(await cache.has(hello)).toBe(true)
  })

  test('left half-downloaded by an earlier run is continued', async () => {
    const hello = await named('hello')
    await cache.locked('test', async () => {
      await client().fetch(hello)
    })
    await cache.removeObject(hello.sha256)
    await writeFile(cache.partialPath(hello.sha256), (local.served.get(debPath()) as Uint8Array).subarray(0, 321))
    await client().fetch(hello)
    expect(local.requests.at(-1)).toBe(`${debPath()} bytes=321-`)
  })

  test('continued from damaged bytes is fetched once more from the start', async () => {
    const hello = await named('hello')
    await client().fetch(hello)
    await cache.removeObject(hello.sha256)
    await writeFile(cache.partialPath(hello.sha256), new Uint8Array(321))
    await client().fetch(hello)
    expect(local.requests.slice(-2)).toEqual([`${debPath()} bytes=321-`, debPath()])
    expect(await cache.has(hello)).toBe(true)
  })

  test('damaged in the cache is fetched again by the next process', async () => {
    const hello = await named('hello')
    const path = await client().fetch(hello)
    const bytes = await readFile(path)
    await writeFile(path, bytes.fill(0, 10, 20))
    await new DebianArchive({
      cache: new ImageCache(folder),
      mirror: local.url,
      suite: 'trixie',
      keys: local.keys,
      clock,
    }).fetch(hello)
    expect(await readFile(path)).toEqual(Buffer.from(local.served.get(debPath()) as Uint8Array))
  })

  test('that the mirror lacks is an error with the address', async () => {
    const hello = await named('hello')
    const path = debPath()
    local.served.delete(path)
    await expect(client().fetch(hello)).rejects.toThrow(
      expect.objectContaining({ code: 'net.status', message: expect.stringContaining(path) }),
    )
  })
})

describe('the release', () => {
  const inReleaseRequests = (): number => local.requests.filter(path => path.endsWith('InRelease')).length
  const serve = async (release: string): Promise<void> => {
    local.served.set('/dists/trixie/InRelease', new TextEncoder().encode(await local.sign(release)))
  }

  test('is asked for once a day', async () => {
    await client().release()
    await client().release()
    expect(inReleaseRequests()).toBe(1)
    clock.advanceNs(DAY_NS + 1)
    await client().release()
    expect(inReleaseRequests()).toBe(2)
  })

  test('is asked for at once with refresh', async () => {
    await client().release()
    await client({ refresh: true }).release()
    expect(inReleaseRequests()).toBe(2)
  })

  test('known from before serves, with a note, when there is no network', async () => {
    await client().release()
    clock.advanceNs(2 * DAY_NS)
    await local.close()
    const notes: string[] = []
    expect((await client({ note: text => notes.push(text) }).release()).codename).toBe('trixie')
    expect(notes).toEqual([expect.stringContaining('no answer')])
  })

  test('never seen is an error when there is no network', async () => {
    await local.close()
    await expect(client().release()).rejects.toThrow(expect.objectContaining({ code: 'net.unreachable' }))
  })

  test('older than the one known is set aside with a note', async () => {
    await client().release()
    await serve('Suite: stable\nCodename: trixie\nVersion: 13.0\nDate: Mon, 04 May 2026 00:00:00 UTC\nSHA256:\n')
    const notes: string[] = []
    expect((await client({ refresh: true, note: text => notes.push(text) }).release()).version).toBe('13.1')
    expect(notes).toHaveLength(1)
  })

  test('altered after signing is refused', async () => {
    const bytes = local.served.get('/dists/trixie/InRelease') as Uint8Array
    const text = new TextDecoder().decode(bytes).replace('13.1', '13.2')
    local.served.set('/dists/trixie/InRelease', new TextEncoder().encode(text))
    await expect(client().release()).rejects.toThrow(expect.objectContaining({ code: 'debian.signature' }))
  })

  test('signed by a key that is not trusted is refused', async () => {
    await expect(client({ keys: await debianKeys() }).release()).rejects.toThrow(
      expect.objectContaining({ code: 'debian.signature' }),
    )
  })

  test('without any signature is refused', async () => {
    local.served.set('/dists/trixie/InRelease', new TextEncoder().encode('Suite: stable\nCodename: trixie\n'))
    await expect(client().release()).rejects.toThrow(expect.objectContaining({ code: 'debian.signature' }))
  })

  test('of another suite is refused', async () => {
    await serve('Suite: oldstable\nCodename: bookworm\nSHA256:\n')
    await expect(client().release()).rejects.toThrow(expect.objectContaining({ code: 'debian.suite' }))
  })

  test('past its Valid-Until is refused', async () => {
    await serve('Suite: stable\nCodename: trixie\nValid-Until: Tue, 30 Jun 2026 00:00:00 UTC\nSHA256:\n')
    await expect(client().release()).rejects.toThrow(expect.objectContaining({ code: 'debian.expired' }))
  })

  test('text added before the signed part is not read', async () => {
    const signed = new TextDecoder().decode(local.served.get('/dists/trixie/InRelease'))
    const outcome = await verifyRelease(`Version: 99\n\n${signed}`, 'trixie', local.keys, clock).catch(
      (error: unknown) => (error as { code: string }).code,
    )
    expect(typeof outcome === 'string' ? outcome : outcome.version).not.toBe('99')
  })

  test('that came before its lists, on a mirror being renewed, gives way to the older state under the other name', async () => {
    for (const [path, bytes] of local.served.entries().toArray())
      local.served.set(path.replace('/trixie/', '/stable/'), bytes)
    const lists = ['xz', 'gz'].map((ending, i) => ` ${String(i).repeat(64)} 99 main/binary-riscv64/Packages.${ending}`)
    await serve(
      `Suite: stable\nCodename: trixie\nVersion: 13.2\nDate: Sat, 06 Jun 2026 00:00:00 UTC\nAcquire-By-Hash: yes\nSHA256:\n${lists.join('\n')}\n`,
    )
    const notes: string[] = []
    const archive = client({ note: text => notes.push(text) })
    expect(await archive.packages('riscv64', name => name === 'hello')).toHaveLength(1)
    expect((await archive.release()).version).toBe('13.1')
    expect(notes).toEqual([expect.stringContaining('being renewed')])
    // The next client goes on with what was found to be whole.
    expect((await client().release()).version).toBe('13.1')
    local.served.delete('/dists/stable/InRelease')
    await expect(client({ refresh: true }).packages('riscv64', () => true)).rejects.toThrow(
      expect.objectContaining({ code: 'net.status' }),
    )
  })

  test('and its lists are handed on under the names that apt gives them', async () => {
    const lists = Object.keys(await client().lists('riscv64'))
    const place = `var/lib/apt/lists/${new URL(local.url).host}_dists_trixie_`
    expect(lists[0]).toBe(`${place}InRelease`)
    expect(lists[1]).toMatch(/_dists_trixie_main_binary-riscv64_Packages\.[xg]z$/)
  })

  test('without a package list for the architecture is an error', async () => {
    await expect(client().packages('vax', () => true)).rejects.toThrow(
      expect.objectContaining({ code: 'debian.architecture' }),
    )
  })
})

test('the shipped keys are those of keys/README.md', async () => {
  const readme = await readFile(new URL('../../keys/README.md', import.meta.url), 'utf8')
  for (const binaryKeys of await debianKeys()) {
    for (const key of await openpgp.readKeys({ binaryKeys })) {
      const spaced = key.getFingerprint().toUpperCase().match(/.{4}/g)?.join(' ')
      expect(readme).toContain(spaced)
    }
  }
})
