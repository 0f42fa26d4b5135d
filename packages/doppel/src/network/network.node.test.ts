import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NetworkSocket } from '../run/network.ts'
import { lockDisk } from '../host/disk-lock.ts'
import { createNetwork, definitionPath, findNetwork, listNetworks, removeNetwork } from './definitions.ts'
import { ethernetFrame, offloadedFrame } from './frames.ts'
import { joinNetwork } from './join.ts'

let folder: string
let env: Record<string, string>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-net-'))
  env = { ...(process.env as Record<string, string>), XDG_RUNTIME_DIR: folder }
})
afterEach(() => rm(folder, { recursive: true }))

const ETHER_TYPE_TEST = 0x88b5
const frameTo = (to: string, from: string, text: string): Uint8Array => {
  const bytes = new Uint8Array(60)
  for (const [at, mac] of [
    [0, to],
    [6, from],
  ] as const)
    bytes.set(
      mac.split(':').map(part => Number.parseInt(part, 16)),
      at,
    )
  new DataView(bytes.buffer).setUint16(12, ETHER_TYPE_TEST)
  bytes.set(new TextEncoder().encode(text), 14)
  return bytes
}
/** Resolves with what `to` gets when `from` has sent it something, again and again until it arrives. */
async function passed(from: NetworkSocket, to: NetworkSocket, text: string): Promise<string> {
  return await new Promise(resolve => {
    const again = setInterval(() => from.port.send(frameTo(to.mac, from.mac, text)), 50)
    to.port.onFrame(bytes => {
      const [type, heard] = [(bytes[12] ?? 0) * 256 + (bytes[13] ?? 0), new TextDecoder().decode(bytes.subarray(14))]
      if (type !== ETHER_TYPE_TEST || !heard.startsWith(text)) return
      clearInterval(again)
      resolve(text)
    })
  })
}
/** The process that claims the network. */
async function carrier(): Promise<number> {
  const locks = join(folder, 'doppel', 'locks')
  for (const key of await readdir(locks)) {
    for (const claim of await readdir(join(locks, key))) return Number(claim.split('-')[0])
  }
  throw new Error('nobody carries the network')
}

test('networks are recorded by name, once', async () => {
  await createNetwork({ name: 'lab', policy: { allow: [] }, createdMs: 1 }, env)
  expect(await findNetwork('lab', env)).toEqual({ name: 'lab', policy: { allow: [] }, createdMs: 1 })
  for (const name of ['lab', 'nat', 'none', '../x', '']) {
    await expect(createNetwork({ name, policy: {}, createdMs: 1 }, env)).rejects.toMatchObject({ code: 'net.name' })
  }
  await removeNetwork('lab', env)
  expect(await listNetworks(env)).toEqual([])
  for (const name of ['lab', '../x'])
    await expect(findNetwork(name, env)).rejects.toMatchObject({ code: 'net.unknown' })
})

test('a network’s process that found another one ending is started again', async () => {
  await createNetwork({ name: 'late', policy: {}, createdMs: 1 }, env)
  const ending = await lockDisk(definitionPath('late', env), 'write', env)
  const joining = joinNetwork('late', env)
  await sleep(3500)
  await ending.release()
  const late = await joining
  expect(late.mac).toMatch(/^([0-9a-f]{2}:){5}/)
  late.close()
})

test('machines of different processes reach one another, also after the network’s process was killed', async () => {
  await createNetwork({ name: 'lab', policy: {}, createdMs: 1 }, env)
  const [a, b] = await Promise.all([joinNetwork('lab', env), joinNetwork('lab', env)])
  expect(a.mac).not.toBe(b.mac)
  expect(await passed(a, b, 'there')).toBe('there')
  const port = await b.publish({ hostAddress: '127.0.0.1', hostPort: 0, guestPort: 80 })
  expect(b.published()).toMatchObject([{ guestPort: 80, hostPort: port }])
  await expect(a.publish({ hostAddress: '127.0.0.1', hostPort: port, guestPort: 81 })).rejects.toMatchObject({
    code: 'net.listen',
  })
  const [pid, macs] = [await carrier(), [a.mac, b.mac]]
  process.kill(pid, 'SIGKILL')
  expect(await passed(b, a, 'back')).toBe('back')
  expect([a.mac, b.mac]).toEqual(macs)
  expect(await carrier()).not.toBe(pid)
  a.close()
  b.close()
  process.kill(await carrier(), 'SIGKILL')
  expect(await readFile(join(folder, 'doppel', 'networks', 'lab.json'), 'utf8')).toContain('lab')
})

test('what was left to do for a frame arrives with it', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(0xffff),
      fc.nat(0xffff),
      fc.option(fc.integer({ min: 1, max: 0xffff }), { nil: undefined }),
      (bytes, start, offset, segmentBytes) => {
        const checksum = { start, offset }
        const offload = segmentBytes === undefined ? { checksum } : { checksum, segmentBytes }
        expect(offloadedFrame(ethernetFrame(bytes, offload).subarray(5))).toEqual({ bytes, offload })
      },
    ),
  )
  expect(offloadedFrame(new Uint8Array(5))).toBeUndefined()
})
