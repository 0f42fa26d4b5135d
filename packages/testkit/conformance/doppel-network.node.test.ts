import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttp, type Server } from 'node:http'
import { type AddressInfo, createServer, connect as netConnect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

// The judge is Linux: its DHCP client, its TCP/IP and busybox's programs meet our gateway.

const PAYLOAD = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
const SHA256 = createHash('sha256').update(PAYLOAD).digest('hex')

let server: Server
let port: number
const sink = createServer({ allowHalfOpen: true }, socket => {
  const hash = createHash('sha256')
  socket.on('data', (bytes: Uint8Array) => hash.update(bytes))
  socket.on('end', () => socket.end(`${hash.digest('hex')}\n`))
})
const portOf = (of: { address(): unknown }): number => (of.address() as AddressInfo).port

beforeAll(async () => {
  server = createHttp((request, response) => void response.end(request.url === '/big' ? PAYLOAD : 'hello\n'))
  for (const each of [server, sink]) await once(each.listen(0, '127.0.0.1'), 'listening')
  port = portOf(server)
})
afterAll(() => {
  server.close()
  sink.close()
})

const shell = async (script: string, flags: readonly string[] = []) => {
  const result = await doppel(['run', '--timeout', '100s', ...flags, 'linux', '--', 'sh', '-c', script])
  return { stdout: result.stdout.toString(), stderr: result.stderr.toString(), status: result.status }
}

test('a guest has an address, a route and a name server without asking for them', async () => {
  const { stdout, status } = await shell(
    'ip -4 -o addr show eth0 | grep -o "inet [^ ]*"; ip route | grep ^default; cat /etc/resolv.conf; ping -c 1 -q 10.0.2.2 | grep -o "1 packets received"',
  )
  expect(
    stdout
      .trim()
      .split('\n')
      .map(line => line.trim()),
  ).toEqual(['inet 10.0.2.15/24', 'default via 10.0.2.2 dev eth0', 'nameserver 10.0.2.3', '1 packets received'])
  expect(status).toBe(0)
})

test('megabytes cross whole, down and up, to a port of this computer that was allowed', async () => {
  const { stdout, stderr } = await shell(
    `wget -qO /tmp/big http://10.0.2.2:${port}/big && sha256sum </tmp/big && nc 10.0.2.2 ${portOf(sink)} </tmp/big`,
    ['--allow', `127.0.0.1:${port}`, '--allow', `127.0.0.1:${portOf(sink)}`],
  )
  expect([stdout, stderr]).toEqual([`${SHA256}  -\n${SHA256}\n`, ''])
})

test('without leave, neither this computer nor its neighbours are reached', async () => {
  const { stdout } = await shell(
    `for host in 10.0.2.2:${port} 127.0.0.1:1 192.168.0.1:80 169.254.169.254:80; do wget -T 5 -qO- http://$host/ 2>&1; done`,
  )
  expect(stdout.match(/Connection refused/g)).toHaveLength(4)
})

test('a name that is not allowed is refused', async () => {
  const { stdout } = await shell('nslookup example.org 2>&1; nslookup localhost 2>&1', ['--allow', 'localhost'])
  expect(stdout).toMatch(/find example\.org: REFUSED/)
  expect(stdout).toMatch(/Name:\s+localhost\s+Address: 127\.0\.0\.1/)
})

test('a published port reaches a server in the guest', async () => {
  // A port that is free now; taken for the guest a moment later.
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const hostPort = portOf(probe)
  probe.close()
  await once(probe, 'close')
  let answered: string | undefined
  const result = await doppel(
    [
      'run',
      '-p',
      `${hostPort}:7000`,
      'linux',
      '--',
      'sh',
      '-c',
      'echo up; nc -l -p 7000 -e sh -c "read word; echo you said \\$word"; echo served',
    ],
    {
      onStdout: text => {
        if (answered !== undefined || !text.includes('up')) return
        answered = ''
        // The server listens a moment after it said so: a refused attempt is made again.
        const attempt = (): void => {
          const socket = netConnect(hostPort, '127.0.0.1')
          let heard = ''
          socket.on('connect', () => socket.write('mellon\n'))
          socket.on('data', bytes => (heard += bytes.toString()))
          socket.on('error', () => undefined)
          socket.on('close', () => {
            answered = heard
            if (heard === '') setTimeout(attempt, 200)
          })
        }
        attempt()
      },
    },
  )
  expect(answered).toBe('you said mellon\n')
  expect(result.stdout.toString()).toBe('up\nserved\n')
})

test('a machine without a network has none', async () => {
  const { stdout } = await shell('ls /sys/class/net', ['--network', 'none'])
  expect(stdout.trim()).toBe('lo')
})
