import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { DoppelError } from '@doppel/base'
import { QEMU } from './tools.ts'

/** A guest under QEMU, with its serial line. */
export interface QemuGuest {
  type(text: string): void
  end(): void
  /** Resolves when what has been shown since the last time is as wanted; rejects when QEMU ends. */
  shows(isThere: (text: string) => boolean): Promise<void>
}

/** Starts QEMU; its standard streams are the guest's serial line. */
export function qemuGuest(args: readonly string[]): QemuGuest {
  const child = spawn(QEMU, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let shown = ''
  let look = (): void => undefined
  let fail: (error: Error) => void = () => undefined
  child.stdout.on('data', (bytes: Buffer) => {
    shown += bytes.toString('latin1')
    look()
  })
  child.once('close', () => fail(new DoppelError('bench.run', `QEMU ended; it showed ${shown.slice(-500)}`)))
  return {
    type: text => void child.stdin.write(text),
    end: () => void child.kill('SIGKILL'),
    shows: isThere =>
      new Promise((resolve, reject) => {
        fail = reject
        look = () => {
          if (!isThere(shown)) return
          shown = ''
          look = () => undefined
          resolve()
        }
        look()
      }),
  }
}

/** Gives QEMU's monitor, at a Unix socket, an order, and returns what it says until the prompt comes back. */
export async function order(path: string, text: string): Promise<string> {
  const socket = connect(path)
  let answer = ''
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString()
      if (answer.split('(qemu) ').length > 2) resolve()
    })
    socket.write(`${text}\n`)
  })
  socket.destroy()
  return answer.replaceAll('\r', '')
}
