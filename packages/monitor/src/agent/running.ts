import { DoppelError } from '@doppel/base'
import type { Channel } from './channel.ts'

/** Input queued here for a guest that does not read; more makes `sendStdin` wait. */
const MAX_QUEUED_INPUT_BYTES = 64 * 1024
/** Sent at once; a channel holds this and what is queued. */
const MAX_PIECE_BYTES = 64 * 1024

/** How a command ended. A signal's number is told as a shell does: 128 and the number. */
export interface ProcessEnd {
  readonly exitCode: number
}

/** The channels of one command. */
export interface ProcessChannels {
  readonly stdin: Channel
  readonly stdout: Channel
  readonly stderr: Channel
}

/** What a running command calls back. */
export interface ProcessOutput {
  readonly onStdout?: ((bytes: Uint8Array) => void) | undefined
  readonly onStderr?: ((bytes: Uint8Array) => void) | undefined
}

/** A shell in the guest that waits to become a command; `group` is its process group. */
export interface Worker {
  readonly id: number
  readonly pid: number
  readonly group: number
  readonly channels: ProcessChannels
}

/** A command running in a guest, wherever its machine runs. */
export interface RunningCommand {
  /** The process number in the guest. */
  readonly pid: number
  /** Resolves when the command has ended and its output has been handed over; rejects when its machine is gone. */
  wait(): Promise<ProcessEnd>
  /** Sends input; resolves when there is room for more. Rejects with `commands.stdin` for a command that has none. */
  sendStdin(bytes: Uint8Array): Promise<void>
  /** The command's input ends here. */
  closeStdin(): void
  /** Sends a signal to the command and what it started; KILL when not given. */
  kill(signal?: string): void
  /** Makes the guest wait with its output, or go on. */
  holdOutput(isHeld: boolean): void
}

/** One command running in a guest. */
export class GuestProcess implements RunningCommand {
  readonly id: number
  readonly #channels: ProcessChannels
  readonly #signal: (group: number, name: string) => void
  readonly #ended = Promise.withResolvers<ProcessEnd>()
  readonly pid: number
  /** The command's process group. */
  readonly group: number
  readonly #hasInput: boolean
  #failure: DoppelError | undefined
  #end: ProcessEnd | undefined
  #status: number | undefined
  #isRejected = false
  #isHeld = false
  #input: Uint8Array[] = []
  #inputEnded = false
  #inputTaken: (() => void)[] = []

  /** Made by the agent, which tells it of the guest's answers. */
  constructor(worker: Worker, hasInput: boolean, output: ProcessOutput, signal: (group: number, name: string) => void) {
    this.id = worker.id
    this.pid = worker.pid
    this.group = worker.group
    this.#channels = worker.channels
    this.#hasInput = hasInput
    this.#signal = signal
    const silent = (): void => undefined
    this.#ended.promise.catch(silent)
    this.#channels.stdout.listen({ data: bytes => output.onStdout?.(bytes), open: silent, drained: silent })
    this.#channels.stderr.listen({ data: bytes => output.onStderr?.(bytes), open: silent, drained: silent })
    this.#channels.stdin.listen({
      data: silent,
      open: isOpen => (isOpen ? undefined : this.#dropInput()),
      drained: () => this.#pump(),
    })
  }

  /** How it ended; undefined while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end
  }

  /** Resolves when the command has ended and its output has been handed over; rejects when its machine is gone. */
  async wait(): Promise<ProcessEnd> {
    return await this.#ended.promise
  }

  /** Sends input; resolves when the guest has room for more. Throws `commands.stdin` for a command that has none. */
  async sendStdin(bytes: Uint8Array): Promise<void> {
    this.#needInput()
    if (bytes.length > 0) this.#input.push(bytes.slice())
    this.#pump()
    while (this.#input.length > 0 && this.#end === undefined && !this.#failure) {
      await new Promise<void>(resolve => this.#inputTaken.push(resolve))
    }
  }
  /** The command's input ends here. */
  closeStdin(): void {
    this.#needInput()
    this.#inputEnded = true
    this.#pump()
  }
  /** Makes the guest wait with its output, or go on. */
  holdOutput(isHeld: boolean): void {
    if (this.#end) return
    this.#isHeld = isHeld
    for (const channel of [this.#channels.stdout, this.#channels.stderr]) {
      // Who hears what one had kept may ask for another pause before the next goes on.
      if (this.#isHeld === isHeld) channel.hold(isHeld)
    }
    if (!this.#isHeld && this.#status !== undefined) this.#finish(this.#status)
  }
  /** Sends a signal to the command and what it started; nothing happens to one that has ended. */
  kill(signal = 'KILL'): void {
    if (!/^(SIG)?[A-Z0-9]{2,8}$/.test(signal)) {
      throw new DoppelError('commands.signal', `'${signal}' is no signal; write for example TERM or KILL`, { signal })
    }
    if (this.#end === undefined && !this.#isRejected) this.#signal(this.group, signal.replace(/^SIG/, ''))
  }

  // What the agent tells

  /** The code that makes the worker a command; nothing else has been sent before. */
  begin(code: Uint8Array): void {
    this.#input.unshift(code)
    this.#pump()
  }
  didEnd(exitCode: number): void {
    if (this.#failure) return this.#reject(this.#failure)
    // Output that is held back comes first.
    this.#status = exitCode
    if (!this.#isHeld) this.#finish(exitCode)
  }
  #finish(exitCode: number): void {
    this.#end = { exitCode }
    this.#release()
    this.#ended.resolve(this.#end)
  }
  /** `isOver` is false when the guest will yet report an exit. */
  didFail(error: DoppelError, isOver = true): void {
    this.#failure ??= error
    if (isOver) this.#reject(this.#failure)
  }

  #reject(error: DoppelError): void {
    this.#isRejected = true
    this.#release()
    this.#ended.reject(error)
  }
  #release(): void {
    for (const channel of [this.#channels.stdin, this.#channels.stdout, this.#channels.stderr]) {
      channel.listen(undefined)
    }
    this.#dropInput()
  }
  #needInput(): void {
    if (!this.#hasInput) {
      throw new DoppelError('commands.stdin', 'this command was started without input; ask for it with `stdin: true`')
    }
  }
  #dropInput(): void {
    this.#input = []
    for (const taken of this.#inputTaken.splice(0)) taken()
  }
  /** Bytes for a channel that nobody has opened yet would be lost. */
  #pump(): void {
    const channel = this.#channels.stdin
    if (!channel.isGuestOpen) return
    while (this.#input[0] && channel.queuedBytes < MAX_QUEUED_INPUT_BYTES) {
      // Taken out first: a guest with room takes it at once, and we are asked for more before `send` returns.
      const next = this.#input.shift() as Uint8Array
      const piece = next.subarray(0, MAX_PIECE_BYTES)
      if (piece.length < next.length) this.#input.unshift(next.subarray(piece.length))
      channel.send(piece)
    }
    if (this.#input.length > 0) return
    for (const taken of this.#inputTaken.splice(0)) taken()
    // What is queued in the device would be dropped by closing it.
    if (this.#inputEnded && channel.queuedBytes === 0) channel.setOpen(false)
  }
}
