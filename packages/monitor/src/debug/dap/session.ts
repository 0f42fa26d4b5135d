import { assert, DoppelError, type SourceEnd, type SourceRun, type SourceStop, type SourceTarget } from '@doppel/base'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { Arguments, isObject } from './arguments.ts'
import { Handles } from './handles.ts'
import { encodeMessage, MessageReader } from './messages.ts'
import { REQUESTS, THREAD_ID } from './requests.ts'

/** A program that a client has launched. */
export interface DapProgram {
  readonly target: SourceTarget
  /** The client's path of one of its files. */
  readonly pathOf: (file: string) => string
  /** Its file of a client's path; undefined for one that is none of its. */
  readonly fileOf: (path: string) => string | undefined
  /** Gives it text for its standard input. */
  readonly give: (text: string) => void
  /** Ends it, where it still waits. */
  readonly end: () => void
}

/** Where a program's output, and what else is to be told, goes. */
export type DapOutput = (text: string, category: 'stdout' | 'stderr' | 'console') => void

/** Starts the program that a client's launch configuration describes. Throws coded errors, which the client is told. */
export type DapLaunch = (configuration: Arguments, output: DapOutput) => Promise<DapProgram>

/** How a stop is called there. */
const REASONS: Readonly<Record<SourceStop['reason'], string>> = {
  entry: 'entry',
  breakpoint: 'breakpoint',
  step: 'step',
  pause: 'pause',
  problem: 'exception',
  data: 'data breakpoint',
}

/** A client's connection, by the Debug Adapter Protocol. */
export class DapSession {
  readonly handles: Handles = new Handles()
  /** Lines as the client counts them are those of the program plus this. */
  lineShift = 0
  /** What stopped the program, where that was a mistake of its. */
  problem: string | undefined
  readonly #launch: DapLaunch
  readonly #send: (bytes: Uint8Array) => void
  readonly #onClose: () => void
  readonly #reader = new MessageReader()
  #program: DapProgram | undefined
  #isRunning = false
  #start: (() => void) | undefined
  #isClosed = false
  #stopsOnEntry = false
  #number = 0
  #queue: Promise<void> = Promise.resolve()

  /** `send` writes to the client; `onClose` is called when there is nothing more to say. */
  constructor(launch: DapLaunch, send: (bytes: Uint8Array) => void, onClose: () => void) {
    this.#launch = launch
    this.#send = send
    this.#onClose = onClose
  }

  /** Takes what the client has sent. */
  receive(bytes: Uint8Array): void {
    try {
      for (const message of this.#reader.feed(bytes)) this.#queue = this.#queue.then(() => this.#answer(message))
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      // After what cannot be understood nobody knows where the next message begins.
      this.tell(`${error.message} [${error.code}]\n`, 'stderr')
      this.close()
    }
  }
  /** Resolves when all that has been received so far is answered. */
  async settled(): Promise<void> {
    await this.#queue
  }
  /** The client is gone, or is to go. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isRunning) this.#program?.target.pause()
    this.#program?.end()
    this.#onClose()
  }

  async #answer(message: unknown): Promise<void> {
    if (this.#isClosed || !isObject(message) || message['type'] !== 'request') return
    const command = String(message['command'])
    const request = { request_seq: Number(message['seq']) || 0, command }
    try {
      const handler = REQUESTS.get(command)
      if (!handler) throw new DoppelError('dap.request', `there is no request '${command}'`)
      const body = await handler(this, new Arguments(message['arguments']))
      this.#post({ type: 'response', ...request, success: true, body })
      this.#afterwards(command)
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      const told: DebugProtocol.Message = {
        id: 1,
        format: `${error.message} [${error.code}]`,
        showUser: command === 'launch',
      }
      this.#post({ type: 'response', ...request, success: false, message: error.code, body: { error: told } })
    }
  }
  /** What happens once the client has its answer. */
  #afterwards(command: string): void {
    if (command === 'launch') this.#event('initialized')
    else if (command === 'configurationDone') this.#begin()
    else if (command === 'disconnect') this.close()
    else if (command === 'terminate') this.#event('terminated')
    const start = this.#start
    this.#start = undefined
    start?.()
  }
  #post(message: object): void {
    if (!this.#isClosed) this.#send(encodeMessage({ seq: ++this.#number, ...message }))
  }
  #event(event: string, body?: object): void {
    this.#post({ type: 'event', event, ...(body && { body }) })
  }

  /** Shows text to whoever debugs. */
  readonly tell: DapOutput = (output, category) => this.#event('output', { category, output })

  /** Starts what is to be debugged. Throws what the launch throws, and `dap.order` where something is debugged already. */
  async start(configuration: Arguments): Promise<void> {
    if (this.#program) throw new DoppelError('dap.order', 'a program is debugged already')
    this.#stopsOnEntry = configuration.isSet('stopOnEntry')
    this.#program = await this.#launch(configuration, this.tell)
    this.#program.target.onMessage = text => this.tell(`${text}\n`, 'console')
  }
  #begin(): void {
    if (this.#stopsOnEntry) this.#stopped({ reason: 'entry' })
    else if (this.#program) this.run('continue')
  }
  get isRunning(): boolean {
    return this.#isRunning
  }
  /** Throws `dap.order` before one is launched. */
  get program(): DapProgram {
    if (!this.#program) throw new DoppelError('dap.order', 'nothing is debugged yet')
    return this.#program
  }
  /** The program, standing still. Throws `dap.order` while it runs. */
  get target(): SourceTarget {
    const { target } = this.program
    if (this.#isRunning) throw new DoppelError('dap.order', 'the program runs; pause it first')
    return target
  }
  /** Lets the program run once the request is answered; its stop is told when it comes. */
  run(how: SourceRun): void {
    const { target } = this
    this.handles.clear()
    this.problem = undefined
    this.#isRunning = true
    this.#start = () =>
      void target.run(how).then(stop => {
        this.#isRunning = false
        this.#stopped(stop)
      })
  }
  #stopped(stop: SourceStop | SourceEnd): void {
    if (stop.reason === 'ended') {
      this.#event('exited', { exitCode: stop.exitCode })
      this.#event('terminated')
      return
    }
    assert(!this.#isRunning, 'what has stopped stands still')
    if (stop.reason === 'problem') this.problem = stop.text ?? ''
    const body: DebugProtocol.StoppedEvent['body'] = {
      reason: REASONS[stop.reason],
      threadId: THREAD_ID,
      allThreadsStopped: true,
      ...(stop.text !== undefined && { text: stop.text, description: stop.text }),
    }
    this.#event('stopped', body)
  }
}
