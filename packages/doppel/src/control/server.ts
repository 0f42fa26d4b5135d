import { chmod } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import { frame, FrameReader, FrameType, messageFrame, readMessage } from './frames.ts'
import type { Door, Message, Operation, Session } from './operation.ts'

/** Connections at a time; each may hold a command of the guest's. */
const MAX_CONNECTIONS = 64
/** How long a client may take to say what it wants. */
const FIRST_FRAME_MS = 10_000

/** What can be asked of a machine of some kind, which is said where it is asked something else. */
export interface Operations<M> {
  readonly kind: string
  readonly rows: readonly Operation<M>[]
}

/**
 * Serves a machine on a socket that only its owner may open. A connection is one operation: the client's first frame names
 * it, input and output follow, and the last frame is `{ ok }` or `{ error }`.
 */
export async function serveControl<M>(machine: M, path: string, operations: Operations<M>): Promise<Server> {
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
  const server = createServer({ allowHalfOpen: true }, socket => {
    serve(socket, door, async (message, session) => await operate(machine, operations, message, session))
  })
  server.maxConnections = MAX_CONNECTIONS
  await door.open()
  return server
}

function serve(socket: Socket, door: Door, act: (message: Message, session: Session) => Promise<Message>): void {
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
        act(readMessage(bytes), session).then(
          answer => finish({ ok: answer }),
          (error: unknown) => finish({ error: describe(error) }),
        )
      }
    } catch (error) {
      finish({ error: describe(error) })
    }
  })
}

async function operate<M>(
  machine: M,
  { rows, kind }: Operations<M>,
  message: Message,
  session: Session,
): Promise<Message> {
  const operation = rows.find(({ name }) => name === message['op'])
  if (!operation) throw new DoppelError('control.operation', `${kind} knows no '${String(message['op'])}'`)
  return await operation.run(machine, message, session)
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof DoppelError) return { code: error.code, message: error.message }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
}
