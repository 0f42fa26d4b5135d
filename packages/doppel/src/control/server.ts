import { chmod } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import type { Machine } from '../sdk/machine.ts'
import { frame, FrameReader, FrameType, messageFrame, readMessage } from './frames.ts'
import { type Door, type Message, OPERATIONS, type Session } from './operations.ts'

/** Connections at a time; each may hold a command of the guest's. */
const MAX_CONNECTIONS = 64
/** How long a client may take to say what it wants. */
const FIRST_FRAME_MS = 10_000

/**
 * Serves a machine on a socket that only its owner may open. A connection is one operation: the client's first frame names
 * it, input and output follow, and the last frame is `{ ok }` or `{ error }`.
 */
export async function serveControl(machine: Machine, path: string): Promise<Server> {
  const door: Door = {
    close: async () => {
      // Those who are in stay until they have their answers.
      server.close()
      await Promise.resolve()
    },
    open: async () => {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(path, resolve)
      })
      await chmod(path, 0o600)
    },
  }
  const server = createServer({ allowHalfOpen: true }, socket => serve(machine, socket, door))
  server.maxConnections = MAX_CONNECTIONS
  await door.open()
  return server
}

function serve(machine: Machine, socket: Socket, door: Door): void {
  const reader = new FrameReader()
  const gone = new Promise<void>(resolve => socket.once('close', () => resolve()))
  let receive: ((bytes: Uint8Array | undefined) => void) | undefined
  let hear: (message: Message) => void = () => undefined
  /** Input that came before the operation asked for it. */
  const early: (Uint8Array | undefined)[] = []
  const session: Session = {
    output: bytes => socket.write(frame(FrameType.output, bytes)),
    errors: bytes => socket.write(frame(FrameType.errors, bytes)),
    onDrain: drained => void socket.on('drain', drained),
    onInput: listener => {
      receive = listener
      for (const bytes of early.splice(0)) listener(bytes)
    },
    onMessage: listener => {
      hear = listener
    },
    say: message => void socket.write(messageFrame(message)),
    gone,
    door,
    silent: Promise.race([gone, new Promise<void>(resolve => socket.once('end', () => resolve()))]),
  }
  const take = (bytes: Uint8Array | undefined): void => {
    if (receive) receive(bytes)
    else early.push(bytes)
  }
  const finish = (answer: unknown): void => void socket.end(messageFrame(answer))
  let begun = false
  socket.on('error', () => socket.destroy())
  // Who never says what it wants is not waited for.
  const dismiss = (): void => void (begun ? undefined : socket.destroy())
  socket.on('end', dismiss)
  socket.setTimeout(FIRST_FRAME_MS, dismiss)
  socket.on('data', (data: Uint8Array) => {
    try {
      for (const { type, bytes } of reader.feed(data)) {
        if (begun) {
          if (type === FrameType.message) hear(readMessage(bytes))
          else if (type === FrameType.input) take(bytes)
          else if (type === FrameType.endOfInput) take(undefined)
          continue
        }
        begun = true
        if (type !== FrameType.message) throw new DoppelError('control.message', 'the first frame must be a message')
        operate(machine, readMessage(bytes), session).then(
          answer => finish({ ok: answer }),
          (error: unknown) => finish({ error: describe(error) }),
        )
      }
    } catch (error) {
      finish({ error: describe(error) })
    }
  })
}

async function operate(
  machine: Machine,
  message: Readonly<Record<string, unknown>>,
  session: Session,
): Promise<Readonly<Record<string, unknown>>> {
  const operation = OPERATIONS.find(({ name }) => name === message['op'])
  if (!operation)
    throw new DoppelError('control.operation', `this machine's process knows no '${String(message['op'])}'`)
  return await operation.run(machine, message, session)
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof DoppelError) return { code: error.code, message: error.message }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
}
