import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, ImageCache, type LinuxImage, linuxImage } from '@doppel/images'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importMap, servePage } from '../bench/page-server.ts'
import { type HashedBoot, hashedBoot } from './hashed-boot.ts'

const CHROMIUM = '/usr/bin/chromium'
/** Debian's kernel is then well past its drivers, its user land not far away. */
const WHOLE = { linux: true, seed: 7, hashEvery: 1_000_000, until: 1_000_000_000, harts: 1 } as const
const SHORT = { ...WHOLE, until: 300_000_000, harts: 2 } as const
/** Two harts and a disk, which the program drives without end. */
const DISK = { linux: false, seed: 7, hashEvery: 250_000, until: 100_000_000, harts: 2 } as const
const PAGE = `<!doctype html><script type="importmap">${importMap()}</script>
<script type="module">
import { hashedBoot } from '/packages/testkit/conformance/hashed-boot.ts'
const bytesOf = async path => new Uint8Array(await (await fetch(path)).arrayBuffer())
globalThis.run = async options => {
  const linux = options.linux && { kernel: await bytesOf('/kernel'), initrd: await bytesOf('/initrd') }
  return await hashedBoot({ ...options, linux })
}
globalThis.isReady = true
</script>`

let folder: string
let image: LinuxImage
let server: Server
let browser: Browser
let url: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-deterministic-'))
  image = await linuxImage({ cache: new ImageCache(cacheFolder()) })
  const files = new Map([
    ['/kernel', join(folder, 'kernel')],
    ['/initrd', join(folder, 'initrd')],
  ])
  await writeFile(join(folder, 'kernel'), image.kernel)
  await writeFile(join(folder, 'initrd'), image.initrd)
  ;({ server, url } = await servePage(PAGE, files))
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
}, 300_000)
afterAll(async () => {
  await browser.close()
  server.close()
  await rm(folder, { recursive: true })
})

type Options = Omit<HashedBoot, 'linux'> & { readonly linux: boolean }
const inNode = ({ linux, ...options }: Options): ReturnType<typeof hashedBoot> =>
  hashedBoot({ ...options, ...(linux && { linux: { kernel: image.kernel.slice(), initrd: image.initrd.slice() } }) })

async function inPage(options: Options): ReturnType<typeof hashedBoot> {
  const page = await browser.newPage()
  await page.goto(url)
  await page.waitForFunction('globalThis.isReady')
  return await page.evaluate(`globalThis.run(${JSON.stringify(options)})`)
}

test('Linux boots to the bit alike: interpreted, translated, resumed in the middle, and in Chromium', {
  timeout: 300_000,
}, async () => {
  const interpreted = await inNode({ ...WHOLE, translateAfter: 0 })
  expect(interpreted.hashes.length).toBeGreaterThan(900)
  expect(new Set(interpreted.hashes).size).toBe(interpreted.hashes.length)
  expect(interpreted.printed).toContain('Linux version')
  const { again, ...translated } = await inNode({ ...WHOLE, translateAfter: 8000, resumes: true })
  expect({ ...translated, again: [] }).toEqual(interpreted)
  expect(again.length).toBeGreaterThan(400)
  expect(again).toEqual(interpreted.hashes.slice(-again.length))
  expect(await inPage({ ...WHOLE, translateAfter: 8000 })).toEqual(interpreted)
})

test('two harts take turns alike, and another seed is another run', { timeout: 300_000 }, async () => {
  const { again, ...first } = await inNode({ ...SHORT, translateAfter: 2000 })
  const interpreted = await inNode({ ...SHORT, translateAfter: 0, resumes: true })
  expect(interpreted).toMatchObject(first)
  expect(again).toEqual([])
  expect(interpreted.again.length).toBeGreaterThan(100)
  expect(interpreted.again).toEqual(first.hashes.slice(-interpreted.again.length))
  const other = await inNode({ ...SHORT, translateAfter: 2000, seed: 8 })
  expect(other.hashes.at(-1)?.split(' ')[1]).not.toBe(first.hashes.at(-1)?.split(' ')[1])
})

test('a disk is written to the bit alike: interpreted, translated, resumed in the middle, and in Chromium', async () => {
  const interpreted = await inNode({ ...DISK, translateAfter: 0 })
  expect(Math.min(...interpreted.words)).toBeGreaterThan(0)
  expect(new Set(interpreted.hashes).size).toBeGreaterThan(300)
  const { again, ...translated } = await inNode({ ...DISK, translateAfter: 1, resumes: true })
  expect({ ...translated, again: [] }).toEqual(interpreted)
  expect(again.length).toBeGreaterThan(100)
  expect(again).toEqual(interpreted.hashes.slice(-again.length))
  expect(await inPage({ ...DISK, translateAfter: 1 })).toEqual(interpreted)
  const { hashes } = await inPage({ ...DISK, translateAfter: 0, seed: 8 })
  expect(hashes).not.toEqual(interpreted.hashes)
})
