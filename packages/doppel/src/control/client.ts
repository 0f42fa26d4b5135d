import { connect, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import { frame, FrameReader, FrameType, messageFrame, readMessage } from './frames.ts'

type Message = Readonly<Record<string, unknown>>

/** What a caller may send while the operation goes on. */
export interface CallLine {
  /** Sends input, whose end are no bytes; resolves when there is room for more. */
  send(bytes: Uint8Array | undefined): Promise<void>
  say(message: Message): void
  /** Lets what comes wait, or go on. */
  hold(isHeld: boolean): void
}

/** What the caller of an operation sends and hears. */
export interface CallStreams {
  readonly onOutput?: (bytes: Uint8Array) => void
  readonly onErrors?: (bytes: Uint8Array) => void
  /** Called once connected, with how to reach the machine's process from then on. */
  readonly input?: (line: CallLine) => void
  /** What the machine's process says before its answer. */
  readonly onEvent?: (message: Message) => void
  /** Ends the call from this side when aborted. */
  readonly signal?: AbortSignal
}

/**
 * Asks a machine's process to do something, over its control socket. Throws what the process answers, or
 * `control.unreachable`, `control.lost`.
 */
export async function call(path: string, message: Message, streams: CallStreams = {}): Promise<Message> {
  const socket = await connected(path)
  try {
    return await new Promise<Message>((resolve, reject) => {
      const reader = new FrameReader()
      const hear = (message: Message): void => {
        if (message['event'] === undefined) settle(message, resolve, reject)
        else streams.onEvent?.(message)
      }
      streams.signal?.addEventListener('abort', () => resolve({}), { once: true })
      const lost = (error?: unknown): void =>
        reject(new DoppelError('control.lost', "the machine's process went away", { path }, error))
      socket.on('error', lost)
      socket.on('close', () => lost())
      socket.on('data', (data: Uint8Array) => {
        try {
          for (const { type, bytes } of reader.feed(data)) {
            if (type === FrameType.output) streams.onOutput?.(bytes)
            else if (type === FrameType.errors) streams.onErrors?.(bytes)
            else if (type === FrameType.message) hear(readMessage(bytes))
          }
        } catch (error) {
          reject(error as Error)
        }
      })
      socket.write(messageFrame(message))
      streams.input?.({
        send: async bytes => {
          const whole = bytes ? frame(FrameType.input, bytes) : frame(FrameType.endOfInput, NOTHING)
          if (socket.destroyed || socket.write(whole)) return
          await new Promise<void>(done => {
            socket.once('drain', done)
            socket.once('close', () => done())
          })
        },
        say: message => void (socket.destroyed ? undefined : socket.write(messageFrame(message))),
        hold: isHeld => void (isHeld ? socket.pause() : socket.resume()),
      })
    })
  } finally {
    socket.destroy()
  }
}

const NOTHING = new Uint8Array(0)

function settle(answer: Message, resolve: (value: Message) => void, reject: (error: Error) => void): void {
  const error = answer['error'] as { code?: unknown; message?: unknown } | undefined
  if (error) reject(new DoppelError(String(error.code), String(error.message)))
  else resolve((answer['ok'] as Message | undefined) ?? {})
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket))
    socket.once('error', error =>
      reject(
        new DoppelError('control.unreachable', `${path}: ${(error as NodeJS.ErrnoException).code}; is it running?`),
      ),
    )
  })
}
