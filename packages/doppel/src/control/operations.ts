import { DoppelError } from '@doppel/base'
import type { RunningCommand } from '@doppel/monitor'
import type { PtySize } from '../guest/pty.ts'
import { emigrate, readDestination } from '../migrate/emigrate.ts'
import { savedStacks } from '../run/saved-stacks.ts'
import { readSymbolFile } from '../run/symbols.ts'
import type { Machine } from '../sdk/machine.ts'
import { LIFE_OPERATIONS } from './life-operations.ts'
import { type Message, needed, type Operation, type Session, text, words } from './operation.ts'
import { serveTrace } from './serve-trace.ts'
import type { Operations } from './server.ts'

/** `exec` on a terminal of its own; the client may say `{ resize }`. */
async function execOnTerminal(
  machine: Machine,
  message: Message,
  variables: readonly (readonly [string, string])[],
  session: Session,
): Promise<Message> {
  const pty = await machine.pty.create({
    ...sizeOf(message['tty']),
    command: words(message, 'command'),
    cwd: text(message, 'cwd'),
    user: text(message, 'user'),
    env: Object.fromEntries(variables),
    onData: bytes => void session.output(bytes),
  })
  session.onInput(bytes => (bytes ? void pty.sendInput(bytes) : undefined))
  session.onMessage(said => {
    // A size that makes no sense is not taken over; the command goes on.
    if (said['resize'] !== undefined) void pty.resize(sizeOf(said['resize'])).catch(() => undefined)
  })
  void session.gone.then(() => pty.kill('HUP'))
  return { ...(await pty.wait()) }
}

function sizeOf(value: unknown): PtySize {
  const { columns, rows } = (value ?? {}) as { columns?: unknown; rows?: unknown }
  if (typeof columns === 'number' && typeof rows === 'number') return { columns, rows }
  throw new DoppelError('control.message', 'a size must have columns and rows')
}

/** What a computer's process does for a client. A new operation that computers alone have is one row here. */
const ROWS: readonly Operation<Machine>[] = [
  ...LIFE_OPERATIONS,
  {
    name: 'stacks',
    async run(machine, message) {
      const files = message['symbols'] === undefined ? undefined : words(message, 'symbols').map(readSymbolFile)
      return { stacks: savedStacks(await machine.views.stacks({ ...(files && { symbols: files }) })) }
    },
  },
  {
    // What harts do, as text, until the client goes or there is no more of it.
    name: 'trace',
    run: async (machine, message, session) => await serveTrace(machine, message, session),
  },
  {
    name: 'exec',
    async run(machine, message, session) {
      const variables = (message['env'] === undefined ? [] : words(message, 'env')).map(pair => {
        const at = pair.indexOf('=')
        if (at < 1) throw new DoppelError('control.message', `'${pair}' must be NAME=VALUE`)
        return [pair.slice(0, at), pair.slice(at + 1)] as const
      })
      if (message['tty'] !== undefined) return await execOnTerminal(machine, message, variables, session)
      const hasInput = message['stdin'] === true
      const isTold = message['events'] === true
      let command: RunningCommand | undefined
      session.onDrain(() => command?.holdOutput(false))
      const wait = (isTaken: boolean): void => (isTaken ? undefined : command?.holdOutput(true))
      const code = text(message, 'code')
      const started = await machine.commands.run(code ?? words(message, 'command'), {
        background: true,
        cwd: text(message, 'cwd'),
        user: text(message, 'user'),
        env: Object.fromEntries(variables),
        ...(hasInput ? { stdin: true as const } : {}),
        onStdout: bytes => wait(session.output(bytes)),
        onStderr: bytes => wait(session.errors(bytes)),
      })
      command = started
      if (isTold) session.say({ event: 'started', pid: started.pid })
      session.onMessage(said => {
        const name = said['signal']
        if (typeof name === 'string') started.kill(name)
      })
      if (hasInput) {
        session.onInput(bytes => {
          if (bytes === undefined) started.closeStdin()
          else void started.sendStdin(bytes)
        })
      }
      if (message['detach'] === true) return { pid: started.pid }
      void session.gone.then(() => started.kill('HUP'))
      return { ...(await started.wait()) }
    },
  },
  {
    // GDB's remote protocol, both ways, until the client goes.
    name: 'gdb',
    async run(machine, _message, session) {
      const debug = machine.debug(bytes => void session.output(bytes))
      session.onInput(bytes => (bytes ? debug.receive(bytes) : undefined))
      const end = await Promise.race([session.silent, machine.wait().catch(() => ({ kind: 'stopped' }) as const)])
      if (end) debug.ended('code' in end ? end.code : 0)
      else debug.close()
      await debug.settled()
      return {}
    },
  },
  {
    // The Debug Adapter Protocol, both ways, until the client goes.
    name: 'dap',
    async run(machine, _message, session) {
      const { attachDap } = await import('../guest-debug/attached-guest.ts')
      const { promise: closed, resolve } = Promise.withResolvers<void>()
      const debug = attachDap(machine, bytes => void session.output(bytes), resolve)
      session.onInput(bytes => (bytes ? debug.receive(bytes) : debug.close()))
      await Promise.race([session.silent, closed])
      debug.close()
      await debug.settled()
      return {}
    },
  },
  {
    name: 'publish',
    async run(machine, message) {
      const guestPort = message['guestPort']
      if (typeof guestPort !== 'number') throw new DoppelError('control.message', "'guestPort' must be a number")
      return { host: await machine.getHost(guestPort) }
    },
  },
  {
    name: 'snapshot',
    async run(machine, message) {
      const name = text(message, 'name')
      await using snapshot = await machine.createSnapshot(name, { isWhole: message['whole'] === true })
      if (name === undefined) await snapshot.save(needed(message, 'path'), { parent: text(message, 'parent') })
      return { path: snapshot.path }
    },
  },
  {
    name: 'options',
    run: machine => Promise.resolve({ options: machine.options, image: machine.image }),
  },
  {
    name: 'migrate',
    async run(machine, message, session) {
      return { ...(await emigrate(machine, readDestination(message), session.door)) }
    },
  },
  {
    name: 'read',
    async run(machine, message, session) {
      const bytes = await machine.files.read(needed(message, 'path'))
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) session.output(bytes.subarray(at, at + PIECE_BYTES))
      return { lengthBytes: bytes.length }
    },
  },
  {
    name: 'write',
    async run(machine, message, session) {
      const parts: Uint8Array[] = []
      await new Promise<void>((resolve, reject) => {
        void session.gone.then(() => reject(new DoppelError('control.gone', 'the client went away')))
        session.onInput(bytes => {
          if (bytes) parts.push(bytes)
          else resolve()
        })
      })
      await machine.files.write(needed(message, 'path'), new Uint8Array(Buffer.concat(parts)))
      return {}
    },
  },
  {
    name: 'isFolder',
    async run(machine, message) {
      const path = needed(message, 'path')
      const isThere = await machine.files.exists(path)
      return { isFolder: isThere && (await machine.files.stat(path)).type === 'folder' }
    },
  },
]

const PIECE_BYTES = 65_536

/** What can be asked of a computer. */
export const OPERATIONS: Operations<Machine> = { kind: 'a computer', rows: ROWS }
