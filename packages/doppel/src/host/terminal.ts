import type { ReadStream, WriteStream } from 'node:tty'
import type { CharPort } from '@doppel/base'
import { ESCAPE_HELP, type EscapeAction, EscapeFilter } from './escape.ts'
import { onEndingSignal } from './signals.ts'

/** The user's terminal in raw mode, as a machine's character port. */
export interface Terminal extends CharPort {
  /** Undefined where it does not know its own, as over a serial line. */
  size(): { readonly columns: number; readonly rows: number } | undefined
  /** Gives the terminal back as it was and stops reading; resolves when all output has been taken. */
  close(): Promise<void>
}

/**
 * Opens the terminal of this process. Everything typed goes to the guest except Ctrl-A sequences; `onAction` hears of
 * those that ask for something (help is shown here). When stdin is not a terminal its bytes pass as they are. The
 * terminal is restored on close, on exit, on an uncaught error and on ending signals.
 */
export function openTerminal(
  onAction: (action: Exclude<EscapeAction, 'help'>) => void,
  input: ReadStream = process.stdin,
  output: WriteStream = process.stdout,
): Terminal {
  let receive: ((bytes: Uint8Array) => void) | undefined
  let isOpen = true
  /** What was typed before anybody listened. */
  const early: Uint8Array[] = []
  const deliver = (bytes: Uint8Array): void => {
    if (receive) return receive(bytes)
    early.push(bytes)
    // The rest waits where it is.
    input.pause()
  }
  let resized: () => void = () => undefined
  const raw = input.isTTY
  const escapes = new EscapeFilter()
  const onData = (bytes: Uint8Array): void => {
    if (!raw) return deliver(bytes)
    const { forGuest, actions } = escapes.feed(bytes)
    if (forGuest.length > 0) deliver(forGuest)
    for (const action of actions) {
      if (action === 'help') output.write(ESCAPE_HELP)
      else onAction(action)
    }
  }
  const onResize = (): void => resized()
  const restore = (): void => {
    if (raw) input.setRawMode(false)
  }
  const ignoreSignals = onEndingSignal(exitStatus => {
    restore()
    process.exit(exitStatus)
  })
  // Node runs 'exit' handlers after an uncaught error too.
  process.on('exit', restore)
  if (raw) input.setRawMode(true)
  input.on('data', onData)
  // A terminal closed before has paused it, which a new listener alone does not undo.
  input.resume()
  // SIGWINCH reaches Node's tty streams as 'resize'.
  output.on('resize', onResize)
  return {
    write: bytes => void output.write(bytes.slice()),
    onInput: listener => {
      receive = listener
      for (const bytes of early.splice(0)) listener(bytes)
      if (isOpen) input.resume()
    },
    size: () => {
      const { columns, rows } = output
      return output.isTTY && columns > 0 && rows > 0 ? { columns, rows } : undefined
    },
    onResize: listener => {
      resized = listener
    },
    close: async () => {
      isOpen = false
      input.off('data', onData)
      input.pause()
      output.off('resize', onResize)
      ignoreSignals()
      process.off('exit', restore)
      restore()
      await new Promise<void>(done => output.write('', () => done()))
    },
  }
}
