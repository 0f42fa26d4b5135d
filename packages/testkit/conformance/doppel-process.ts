import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The command line as `npx doppel` starts it. */
export const DOPPEL: string = fileURLToPath(new URL('../../doppel/bin/doppel.js', import.meta.url))

/** What a finished program left. */
export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** How to start it. */
export interface Start {
  readonly input?: Uint8Array | string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Called with what has come on stdout so far, and what ends the program by a signal. */
  readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** Runs `doppel` with these arguments to its end. */
export async function doppel(args: readonly string[], start: Start = {}): Promise<Finished> {
  const child = spawn(process.execPath, [DOPPEL, ...args], {
    cwd: start.cwd,
    env: { ...process.env, ...start.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (bytes: Buffer) => {
    stdout.push(bytes)
    start.onStdout?.(Buffer.concat(stdout).toString(), signal => child.kill(signal))
  })
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  // A program that has ended takes no more input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(start.input ?? '')
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { status, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }
}

/** A program on a terminal of its own: util-linux's script(1) makes it. */
export class TerminalSession {
  shown = ''
  readonly ended: Promise<number | null>
  readonly #child
  #seen = 0
  #look: () => void = () => undefined

  /** Runs a shell command on a new terminal. */
  constructor(command: string, env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child.stdout.on('data', (bytes: Buffer) => {
      this.shown += bytes.toString()
      this.#look()
    })
    this.ended = once(this.#child, 'close').then(([status]) => status as number | null)
  }

  type(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Waits until `pattern` shows after what was waited for last; returns the match. Throws, with the screen, when it does not. */
  async shows(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const timer = setTimeout(
      () => reject(new Error(`${String(pattern)} never showed after ${JSON.stringify(this.shown.slice(this.#seen))}`)),
      timeoutMs,
    )
    this.#look = () => {
      const match = pattern.exec(this.shown.slice(this.#seen))
      if (!match) return
      this.#seen += match.index + match[0].length
      resolve(match)
    }
    this.#look()
    return await promise.finally(() => {
      clearTimeout(timer)
      this.#look = () => undefined
    })
  }
}
