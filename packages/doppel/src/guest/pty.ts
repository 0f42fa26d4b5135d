import { DoppelError } from '@doppel/base'
import {
  type CommandStarter,
  commandCode,
  type GuestCommands,
  type GuestFiles,
  type RunningCommand,
  shellQuote,
} from '@doppel/monitor'
import { ptyProgram } from './pty-program.ts'

/** A size in character cells. */
export interface PtySize {
  readonly columns: number
  readonly rows: number
}

/** What runs on a terminal in the guest. */
export interface PtyOptions extends PtySize {
  readonly onData: (bytes: Uint8Array) => void
  /** Shell code, or a program and its arguments; a login shell when not given. */
  readonly command?: string | readonly string[]
  readonly cwd?: string | undefined
  readonly user?: string | undefined
  readonly env?: Readonly<Record<string, string>>
}

/** A terminal in the guest with something running on it. */
export interface Pty {
  readonly pid: number
  sendInput(bytes: Uint8Array): Promise<void>
  resize(size: PtySize): Promise<void>
  kill(signal?: string): void
  wait(): Promise<{ readonly exitCode: number }>
}

const PROGRAM_PATH = '/run/doppel-pty'
const MAX_CELLS = 10_000

/** Terminals in one machine's guest. */
export class GuestPtys {
  readonly #starter: CommandStarter
  readonly #commands: GuestCommands
  readonly #files: GuestFiles
  #program: Promise<void> | undefined

  constructor(starter: CommandStarter, commands: GuestCommands, files: GuestFiles) {
    this.#starter = starter
    this.#commands = commands
    this.#files = files
  }

  /** Runs something on a new terminal. Throws `pty.size`, `commands.*`, `agent.*`, `files.*`. */
  async create(options: PtyOptions): Promise<Pty> {
    const size = sizeCode(options)
    this.#program ??= this.#upload()
    await this.#program.catch((error: unknown) => {
      this.#program = undefined
      throw error
    })
    const code = `stty ${size}\n${commandCode(options.command ?? 'exec "${SHELL:-/bin/sh}" -l', options.env)}`
    const terminal = Promise.withResolvers<string>()
    let said = ''
    const running = await this.#starter.start({
      code: `export TERM=\${TERM:-xterm}\nexec ${PROGRAM_PATH} /bin/sh -c ${shellQuote(code)}`,
      cwd: options.cwd,
      user: options.user,
      stdin: true,
      onStdout: options.onData,
      onStderr: bytes => {
        said += new TextDecoder().decode(bytes)
        const path = /^(\/dev\/pts\/\d+)\n/.exec(said)?.[1]
        if (path !== undefined) terminal.resolve(path)
      },
    })
    const ended = running.wait()
    ended.then(
      () => terminal.reject(new DoppelError('pty.ended', `the guest opened no terminal: ${said.trim()}`)),
      terminal.reject,
    )
    const path = await terminal.promise
    return this.#pty(running, path)
  }

  #pty(running: RunningCommand, path: string): Pty {
    return {
      pid: running.pid,
      sendInput: bytes => running.sendStdin(bytes),
      resize: async size => {
        await this.#commands.run(`stty -F ${path} ${sizeCode(size)}`)
      },
      kill: signal => running.kill(signal),
      wait: () => running.wait(),
    }
  }

  async #upload(): Promise<void> {
    await this.#files.write(PROGRAM_PATH, ptyProgram())
    await this.#commands.run(['chmod', '755', PROGRAM_PATH])
  }
}

/** Checks a terminal's size. Throws `pty.size`. */
export function checkSize({ columns, rows }: PtySize): void {
  for (const cells of [columns, rows]) {
    if (!Number.isInteger(cells) || cells < 1 || cells > MAX_CELLS) {
      throw new DoppelError('pty.size', `a terminal of ${columns} by ${rows}; expected 1 to ${MAX_CELLS} each`)
    }
  }
}

function sizeCode(size: PtySize): string {
  checkSize(size)
  return `rows ${size.rows} cols ${size.columns}`
}
