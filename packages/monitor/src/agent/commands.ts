import { DoppelError } from '@doppel/base'
import type { GuestAgent } from './agent.ts'
import type { GuestProcess } from './running.ts'
import { shellQuote } from './shell-code.ts'

/** The part of an AbortSignal that is used here. */
export interface Abort {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** How a command runs. */
export interface CommandOptions {
  readonly cwd?: string | undefined
  readonly user?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly onStdout?: ((bytes: Uint8Array) => void) | undefined
  readonly onStderr?: ((bytes: Uint8Array) => void) | undefined
  /** Input for the command; or `true`, and `sendStdin` gives it. */
  readonly stdin?: string | Uint8Array | true | undefined
  /** After so long the command is killed and `run` throws `commands.timeout`. */
  readonly timeoutMs?: number | undefined
  readonly signal?: Abort | undefined
}

/** What a command left behind. A status that is not 0 is a result, not an error. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Output kept for `CommandResult`; a command with more gets `commands.output` and wants `onStdout`. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024
/** A killed command that the guest does not report is given up. */
const KILL_GRACE_MS = 5000

/** The shell code that runs words as one command with an environment. Throws `commands.argument`. */
export function commandCode(
  command: string | readonly string[],
  env: Readonly<Record<string, string>> | undefined,
): string {
  const exports = Object.entries(env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new DoppelError('commands.argument', `'${name}' is not a name of an environment variable`, { name })
    }
    return `export ${name}=${shellQuote(value)}\n`
  })
  if (typeof command === 'string') return exports.join('') + command
  if (command.length === 0) throw new DoppelError('commands.argument', 'the command is empty; expected a program')
  return `${exports.join('')}exec ${command.map(shellQuote).join(' ')}`
}

/** Runs commands in a guest. A string is shell code, a list a program and its arguments. */
export class GuestCommands {
  readonly #agent: GuestAgent

  constructor(agent: GuestAgent) {
    this.#agent = agent
  }

  /**
   * Runs a command to its end, or, with `background`, until it has started. Throws `commands.timeout`,
   * `commands.aborted`, `commands.cwd`, `commands.user`, `agent.*`.
   */
  run(
    command: string | readonly string[],
    options: CommandOptions & { readonly background: true },
  ): Promise<GuestProcess>
  run(command: string | readonly string[], options?: CommandOptions): Promise<CommandResult>
  async run(
    command: string | readonly string[],
    options: CommandOptions & { readonly background?: boolean } = {},
  ): Promise<CommandResult | GuestProcess> {
    if (options.signal?.aborted) throw aborted()
    const kept = { stdout: new KeptOutput(options.onStdout), stderr: new KeptOutput(options.onStderr) }
    const running = await this.#agent.start({
      code: commandCode(command, options.env),
      cwd: options.cwd,
      user: options.user,
      stdin: options.stdin !== undefined,
      onStdout: options.background ? options.onStdout : bytes => kept.stdout.add(bytes),
      onStderr: options.background ? options.onStderr : bytes => kept.stderr.add(bytes),
    })
    const input = typeof options.stdin === 'string' ? new TextEncoder().encode(options.stdin) : options.stdin
    if (input instanceof Uint8Array) void feed(running, input)
    const watched = watch(running, options)
    if (!options.background) {
      const { exitCode } = await watched
      return { exitCode, stdout: kept.stdout.text(), stderr: kept.stderr.text() }
    }
    watched.catch(() => undefined)
    return running
  }
}

async function feed(running: GuestProcess, input: Uint8Array): Promise<void> {
  await running.sendStdin(input)
  running.closeStdin()
}

/** Waits for the end; kills the command when time is up or the caller gives up. */
async function watch(running: GuestProcess, { timeoutMs, signal }: CommandOptions): Promise<{ exitCode: number }> {
  const givenUp = Promise.withResolvers<never>()
  let broken: DoppelError | undefined
  let grace: ReturnType<typeof setTimeout> | undefined
  const end = (error: DoppelError): void => {
    broken ??= error
    running.kill()
    grace ??= setTimeout(() => givenUp.reject(error), KILL_GRACE_MS)
  }
  const onAbort = (): void => end(aborted())
  signal?.addEventListener('abort', onAbort, { once: true })
  const late = (): void =>
    end(new DoppelError('commands.timeout', `the command ran longer than ${timeoutMs} ms`, { timeoutMs }))
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs)
  try {
    const ended = await Promise.race([running.wait(), givenUp.promise])
    if (broken) throw broken
    return ended
  } finally {
    clearTimeout(timer)
    clearTimeout(grace)
    signal?.removeEventListener('abort', onAbort)
  }
}

function aborted(): DoppelError {
  return new DoppelError('commands.aborted', 'the command was given up by its caller')
}

/** Output as it comes and for the end. */
class KeptOutput {
  readonly #pass: ((bytes: Uint8Array) => void) | undefined
  readonly #parts: Uint8Array[] = []
  #lengthBytes = 0

  constructor(pass: ((bytes: Uint8Array) => void) | undefined) {
    this.#pass = pass
  }
  add(bytes: Uint8Array): void {
    this.#pass?.(bytes)
    this.#lengthBytes += bytes.length
    if (this.#lengthBytes <= MAX_KEPT_BYTES) this.#parts.push(bytes)
  }
  bytes(): Uint8Array {
    if (this.#lengthBytes > MAX_KEPT_BYTES) {
      throw new DoppelError(
        'commands.output',
        `the command wrote ${this.#lengthBytes} bytes; at most ${MAX_KEPT_BYTES} are kept`,
      )
    }
    const all = new Uint8Array(this.#lengthBytes)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
  text(): string {
    return new TextDecoder().decode(this.bytes())
  }
}
