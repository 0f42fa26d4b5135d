import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

// The judges are two Linux kernels in two processes, on a network that a third process carries.

let folder: string
let env: Record<string, string>
let servers: Server[]
const MACHINES = ['one', 'two', 'apart']
const tried = async (...args: string[]): Promise<{ status: number | null; out: string; err: string }> => {
  const { status, stdout, stderr } = await doppel(args, { env })
  return { status, out: stdout.toString(), err: stderr.toString() }
}
const run = async (...args: string[]): Promise<string> => {
  const { status, out, err } = await tried(...args)
  if (status !== 0) throw new Error(`doppel ${args.join(' ')}: ${err}`)
  return out
}
const inside = async (machine: string, command: string): Promise<string> =>
  (await run('exec', machine, 'sh', '-c', command)).trim()
const address = (machine: string): Promise<string> =>
  inside(machine, "ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'")
const get = (machine: string, url: string): Promise<string> =>
  inside(machine, `wget -T 3 -qO- ${url} 2>&1 || echo none`)
const portOf = (server: Server): number => (server.address() as AddressInfo).port

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-named-'))
  env = { XDG_RUNTIME_DIR: folder, XDG_DATA_HOME: join(folder, 'data') }
  servers = ['allowed\n', 'not allowed\n'].map(text => createServer((_, response) => void response.end(text)))
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
  await run('network', 'create', '--allow', `127.0.0.1:${portOf(servers[0] as Server)}`, 'lab')
  await run('network', 'create', '--internal', 'cell')
  for (const name of MACHINES) {
    const network = name === 'apart' ? 'cell' : 'lab'
    await run('run', '-d', '--name', name, '--timeout', '10m', '--network', network, '-p', '0:80', 'linux')
    await inside(name, `mkdir -p /www && echo ${name} >/www/index.html && httpd -h /www`)
  }
}, 120_000)
afterAll(async () => {
  await tried('rm', '-f', ...MACHINES)
  for (const server of servers) server.close()
  await rm(folder, { recursive: true })
})

test('machines of one network have addresses of their own and reach one another, whatever it allows outside', async () => {
  const [one, two] = await Promise.all(['one', 'two'].map(address))
  expect(one).not.toBe(two)
  expect(await get('two', `http://${one}/`)).toBe('one')
  expect(await get('one', `http://${two}/`)).toBe('two')
}, 60_000)

test('the policy is the network’s: what it allows is reached, nothing else of this computer', async () => {
  const [allowed, other] = servers.map(server => `http://10.0.2.2:${portOf(server)}/`) as [string, string]
  expect(await get('one', allowed)).toBe('allowed')
  expect(await get('one', other)).toMatch(/none$/)
  expect(await get('apart', allowed)).toMatch(/none$/)
}, 60_000)

test('machines of different networks do not meet', async () => {
  const known = new Set(await Promise.all(MACHINES.map(address)))
  for (const at of [...known, '10.0.2.17']) {
    const answer = await get('apart', `http://${at}/`)
    // Its own address may be another one's in the other network.
    expect(answer).not.toMatch(/one$(?<!none)|two$/)
  }
  // Nor do their frames: nobody there answers who has an address.
  await inside('apart', 'ping -c 1 -W 1 10.0.2.16 >/dev/null 2>&1; true')
  expect(await inside('apart', 'grep -c 10.0.2.16.*0x2 /proc/net/arp || true')).toBe('0')
}, 60_000)

test('each machine’s ports are published, by the network’s process', async () => {
  for (const name of MACHINES) {
    const [, where] = (await run('port', name)).trim().split(' -> ')
    expect(await (await fetch(`http://${where}/`)).text()).toBe(`${name}\n`)
  }
}, 60_000)

test('a connection between two machines outlives the move of one of them', async () => {
  const two = await address('two')
  await inside('two', 'sleep 1000 | nc -l -p 7000 >/tmp/heard 2>&1 & sleep 0.5')
  const talk = `i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; sleep 0.1; done | nc ${two} 7000`
  await run('exec', '-d', 'one', 'sh', '-c', talk)
  await run('migrate', 'one')
  await run('migrate', 'two')
  const all = Array.from({ length: 100 }, (_, i) => String(i + 1)).join('\n')
  await expect.poll(() => inside('two', 'cat /tmp/heard'), { timeout: 60_000, interval: 1000 }).toBe(all)
  expect(await get('one', `http://${two}/`)).toBe('two')
}, 120_000)
