import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, DoppelError, hostClock } from '@doppel/base'

/** How a child process ended, and after how long. */
export interface TimedRun {
  readonly seconds: number
  readonly stdout: string
  readonly stderr: string
}

/** What to run. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
}

const clock: Clock = hostClock()

/** A guest that hangs is ended, and its benchmark with it. */
const MAX_RUN_MS = 600_000

/** When a timed program has done what is timed, and how it is then ended. */
export interface Until {
  readonly isDone: (stdout: string) => boolean
  readonly how: 'kill' | 'close-input'
  /** Typed once `isReady` of what has been printed; time counts from then on. */
  readonly typed?: { readonly isReady: (stdout: string) => boolean; readonly text: string }
}

/**
 * Runs a program to its end, or until `isDone` of what it has printed: its standard input is then closed, which asks it
 * to end, or it is killed. `seconds` is the time until either. Throws `bench.run` when it fails or takes too long.
 */
export async function timedRun({ program, args }: Command, until?: Until): Promise<TimedRun> {
  let beganNs = clock.monotonicNs()
  let typed = until?.typed === undefined
  let seconds: number | undefined
  let stdout = ''
  let stderr = ''
  // doppel's own processes keep Node's compiled code, as its command does.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'doppel-bench-node') }
  const child = spawn(program, args, { stdio: 'pipe', timeout: MAX_RUN_MS, killSignal: 'SIGKILL', env })
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    stdout += text
    if (until?.typed && !typed && until.typed.isReady(stdout)) {
      typed = true
      stdout = ''
      beganNs = clock.monotonicNs()
      child.stdin.write(until.typed.text)
    }
    if (!until || !typed || seconds !== undefined || !until.isDone(stdout)) return
    seconds = (clock.monotonicNs() - beganNs) / 1e9
    if (until.how === 'kill') child.kill('SIGKILL')
    else child.stdin.end()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A child that has ended takes no input; that it ended is told by 'close'.
  child.stdin.on('error', () => child.stdin.destroy())
  const status = await new Promise<string>((done, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => done(signal ?? String(code)))
  })
  const killed = seconds !== undefined && until?.how === 'kill'
  const incomplete = until !== undefined && seconds === undefined
  if (incomplete || (status !== '0' && !killed)) {
    throw new DoppelError(
      'bench.run',
      `${[program, ...args].join(' ')} ended with ${status} ${incomplete ? 'before it was ready' : 'instead of 0'}\n` +
        `${stderr}${stdout.slice(-2000)}`,
      { program, args, status },
    )
  }
  return { seconds: seconds ?? (clock.monotonicNs() - beganNs) / 1e9, stdout, stderr }
}
