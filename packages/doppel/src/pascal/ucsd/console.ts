import { writeSync } from 'node:fs'
import type { ConsolePort } from '@doppel/pcode/ucsd'
import type { ProgramWorld } from '../../program/program-world.ts'
import { openTerminal } from '../../host/terminal.ts'
import { MAX_TYPED_BYTES, TypedInput } from '../typed-input.ts'

const STDOUT = 1

/** This process's terminal, or its standard streams, as a p-System's console. */
export interface HostConsole extends ConsolePort {
  /** Ends input at once, so that a system which waits for it ends. */
  cut(): void
  /** Gives the terminal back; resolves when all output has been taken. */
  close(): Promise<void>
}

/** Opens it: in raw mode where both ends are a terminal; then Ctrl-A x ends the system. */
export function openConsole({ standard, turns }: Pick<ProgramWorld, 'standard' | 'turns'>): HostConsole {
  const opened = standard ? worldConsole(standard) : ownConsole()
  const read = (): ReturnType<ConsolePort['input']['read']> => {
    const piece = opened.input.read()
    return piece instanceof Promise ? turns.after(piece) : piece
  }
  return { ...opened, input: { read } }
}

/** That of a machine which others attach their terminals to. */
function worldConsole({ input, output }: NonNullable<ProgramWorld['standard']>): HostConsole {
  return {
    input,
    isTerminal: true,
    write: bytes => output.write(bytes),
    cut: () => input.cut(),
    close: () => Promise.resolve(),
  }
}

function ownConsole(): HostConsole {
  return process.stdin.isTTY && process.stdout.isTTY ? terminalConsole() : streamConsole()
}

function terminalConsole(): HostConsole {
  const input = new TypedInput(() => undefined, MAX_TYPED_BYTES)
  const terminal = openTerminal(action => {
    if (action === 'quit') input.cut()
  })
  terminal.onInput(bytes => input.push(bytes))
  return {
    input,
    isTerminal: true,
    write: bytes => terminal.write(bytes),
    cut: () => input.cut(),
    close: async () => {
      // The prompt of whoever comes next begins a line.
      terminal.write(Uint8Array.of(13, 10))
      await terminal.close()
    },
  }
}

function streamConsole(): HostConsole {
  const { stdin } = process
  // A piece that came makes the stream wait, so what is waiting here is one piece or two.
  const input = new TypedInput(() => stdin.resume(), Infinity)
  const take = (bytes: Uint8Array): void => {
    // The rest waits where it is.
    stdin.pause()
    input.push(bytes)
  }
  const end = (): void => input.end()
  stdin.on('data', take).on('end', end).on('error', end).pause()
  return {
    input,
    isTerminal: false,
    write: writeAll,
    cut: () => input.cut(),
    close: async () => {
      stdin.off('data', take).off('end', end).off('error', end).pause()
      await Promise.resolve()
    },
  }
}

/** Writes at once, so that nothing is lost when the process is ended. */
function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDOUT, bytes, at)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A reader that goes away (`doppel run … | head`) ends the program quietly, as the shell expects.
      if (code === 'EPIPE') process.exit(0)
      if (code !== 'EAGAIN') throw error
    }
  }
}
