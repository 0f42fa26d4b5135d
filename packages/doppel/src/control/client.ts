import { connect, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import { frame, FrameReader, FrameType, messageFrame, readMessage } from './frames.ts'

type Message = Readonly<Record<string, unknown>>

/** What the caller of an operation sends and hears. */
export interface CallStreams {
  readonly onOutput?: (bytes: Uint8Array) => void
  readonly onErrors?: (bytes: Uint8Array) => void
  /** Called once connected, with how to send input; no bytes are its end. */
  readonly input?: (send: (bytes: Uint8Array | undefined) => void) => void
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
      streams.signal?.addEventListener('abort', () => resolve({}), { once: true })
      socket.on('error', reject)
      socket.on('close', () => reject(new DoppelError('control.lost', "the machine's process went away")))
      socket.on('data', (data: Uint8Array) => {
        try {
          for (const { type, bytes } of reader.feed(data)) {
            if (type === FrameType.output) streams.onOutput?.(bytes)
            else if (type === FrameType.errors) streams.onErrors?.(bytes)
            else if (type === FrameType.message) settle(readMessage(bytes), resolve, reject)
          }
        } catch (error) {
          reject(error as Error)
        }
      })
      socket.write(messageFrame(message))
      streams.input?.(bytes => {
        if (!socket.destroyed)
          socket.write(bytes ? frame(FrameType.input, bytes) : frame(FrameType.endOfInput, NOTHING))
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
