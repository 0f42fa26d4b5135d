import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import type { Server } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Machine } from '../sdk/machine.ts'
import { call } from './client.ts'
import { frame } from './frames.ts'
import { OPERATIONS } from './operations.ts'
import { serveControl } from './server.ts'

let folder: string
let path: string
let machine: Machine
let server: Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-control-'))
  process.env['XDG_RUNTIME_DIR'] = folder
  process.env['XDG_DATA_HOME'] = join(folder, 'data')
  path = join(folder, 'control.sock')
  // 1: wfi; j 1b
  await writeFile(join(folder, 'kernel'), Uint8Array.of(0x73, 0x00, 0x50, 0x10, 0x6f, 0xf0, 0xdf, 0xff))
  machine = await Machine.create({ kernel: join(folder, 'kernel'), memory: '16M' })
  server = await serveControl(machine, path, OPERATIONS)
})
afterAll(async () => {
  server.close()
  await machine.kill()
  await rm(folder, { recursive: true })
})

const alive = async (): Promise<unknown> => (await call(path, { op: 'inspect' }))['state']

test('the socket is its owner’s', async () => {
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test.each([
  [{}, 'control.operation'],
  [{ op: 'constructor' }, 'control.operation'],
  [{ op: 'exec' }, 'control.message'],
  [{ op: 'exec', command: [1] }, 'control.message'],
  [{ op: 'exec', command: ['true'], env: ['x'] }, 'control.message'],
  [{ op: 'exec', command: ['true'] }, 'agent.none'],
  [{ op: 'attach', columns: 1e308, rows: -5 }, 'pty.size'],
  [{ op: 'publish', guestPort: -1 }, 'net.port'],
  [{ op: 'publish', guestPort: 80.5 }, 'net.port'],
  [{ op: 'publish', guestPort: 65_536 }, 'net.port'],
  [{ op: 'set', share: -1 }, 'limits.share'],
  [{ op: 'set', memory: 1e99 }, 'cli.flag-value'],
  [{ op: 'stop', graceMs: 'soon' }, 'control.message'],
  [{ op: 'snapshot' }, 'control.message'],
  // A name is none of a file, whose folder would be the machine's process's.
  [{ op: 'snapshot', name: '../x' }, 'snapshot.name'],
  [{ op: 'migrate' }, 'control.message'],
  [{ op: 'migrate', path: '/nowhere', claim: '/nowhere' }, 'migrate.unreachable'],
])('%o is refused', async (message, code) => {
  await expect(call(path, message)).rejects.toMatchObject({ code })
  expect(await alive()).toBe('running')
})

test('whatever bytes come, the machine goes on and others are served', async () => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  const some = fc.oneof(
    bytes,
    fc.tuple(fc.nat(5), bytes).map(([type, content]) => frame(type, content)),
    fc.json({ maxDepth: 2 }).map(text => frame(0, new TextEncoder().encode(text))),
    fc
      .record({
        op: fc.constantFrom('inspect', 'read', 'exec', 'set', 'publish'),
        path: fc.anything(),
        command: fc.anything(),
      })
      .map(message =>
        frame(
          0,
          new TextEncoder().encode(
            JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? null : value)),
          ),
        ),
      ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 4 }), async pieces => {
      const socket = connect(path)
      const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
      socket.on('error', () => undefined)
      socket.on('data', () => undefined)
      for (const piece of pieces) socket.write(piece)
      socket.end()
      setTimeout(() => socket.destroy(), 50)
      await closed
    }),
    { numRuns: 60 },
  )
  expect(await alive()).toBe('running')
}, 30_000)
