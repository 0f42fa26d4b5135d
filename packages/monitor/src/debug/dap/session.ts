import { assert, DoppelError, type SourceEnd, type SourceStop, type SourceTarget, type SourceValue } from '@doppel/base'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { Arguments, isObject } from './arguments.ts'
import { framePlace } from './frame-ids.ts'
import { Handles } from './handles.ts'
import { encodeMessage, MessageReader } from './messages.ts'
import { REQUESTS } from './requests.ts'

/** A program that a client has launched. */
export interface DapProgram {
  readonly target: SourceTarget
  /** The client's path of one of its files. */
  readonly pathOf: (file: string) => string
  /** Its file of a client's path; undefined for one that is none of its. */
  readonly fileOf: (path: string) => string | undefined
  /** Gives it text for its standard input. */
  readonly give: (text: string) => void
  /** Ends it, where it still waits, or leaves it; resolves when that is done. */
  readonly end: () => void | Promise<void>
}

/** Where a program's output, and what else is to be told, goes. */
export type DapOutput = (text: string, category: 'stdout' | 'stderr' | 'console') => void

/** Starts the program that a client's launch configuration describes. Throws coded errors, which the client is told. */
export type DapLaunch = (
  configuration: Arguments,
  output: DapOutput,
  how: { readonly attaches: boolean },
) => Promise<DapProgram>

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
  #leaving: void | Promise<void> = undefined

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
  /** Resolves when all that has been received so far is answered, and after `close` the program left. */
  async settled(): Promise<void> {
    await this.#queue
    await this.#leaving
  }
  /** The client is gone, or is to go. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isRunning) this.#program?.target.pause()
    this.#leaving = this.#program?.end()
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
        showUser: command === 'launch' || command === 'attach',
      }
      this.#post({ type: 'response', ...request, success: false, message: error.code, body: { error: told } })
    }
  }
  /** What happens once the client has its answer. */
  #afterwards(command: string): void {
    if (command === 'launch' || command === 'attach') this.#initialized()
    else if (command === 'configurationDone') this.#begin()
    else if (command === 'disconnect') this.close()
    else if (command === 'terminate') this.#event('terminated')
    const start = this.#start
    this.#start = undefined
    start?.()
  }
  /** What the target has beyond any program's. */
  #initialized(): void {
    const { machine, goBack } = this.program.target
    const has = machine !== undefined
    const capabilities: DebugProtocol.Capabilities = {
      supportsStepBack: goBack !== undefined,
      supportsReadMemoryRequest: has,
      supportsWriteMemoryRequest: has,
      supportsDisassembleRequest: has,
      supportsInstructionBreakpoints: has,
      supportsSteppingGranularity: has,
      supportsDataBreakpoints: has,
    }
    if (has || goBack) this.#event('capabilities', { capabilities })
    this.#event('initialized')
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
  async start(configuration: Arguments, { attaches = false }: { readonly attaches?: boolean } = {}): Promise<void> {
    if (this.#program) throw new DoppelError('dap.order', 'a program is debugged already')
    this.#stopsOnEntry = configuration.isSet('stopOnEntry') || configuration.isSet('stopAtEntry')
    this.#program = await this.#launch(configuration, this.tell, { attaches })
    // The client may have gone meanwhile.
    if (this.#isClosed) this.#leaving = this.#program.end()
    this.#program.target.onMessage = text => this.tell(`${text}\n`, 'console')
  }
  #begin(): void {
    if (this.#stopsOnEntry) this.#stopped({ reason: 'entry' })
    else if (this.#program) {
      const { target } = this.#program
      this.run(() => target.run('continue'))
    }
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
  /** The value of an expression, as the frame of a request sees it. Throws `debug.*`. */
  evaluate(given: Arguments, expression: string): SourceValue {
    const [frame, thread] = framePlace(given.count('frameId', 0))
    return this.target.evaluate(frame, expression, thread)
  }
  /** Lets the program run once the request is answered; its stop is told when it comes. */
  run(go: () => Promise<SourceStop | SourceEnd>): void {
    this.handles.clear()
    this.problem = undefined
    this.#isRunning = true
    this.#start = () =>
      void go().then(
        stop => {
          this.#isRunning = false
          this.#stopped(stop)
        },
        (error: unknown) => {
          if (!(error instanceof DoppelError)) throw error
          this.#isRunning = false
          this.tell(`${error.message} [${error.code}]\n`, 'stderr')
          this.#stopped({ reason: 'pause' })
        },
      )
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
      threadId: (stop.thread ?? 0) + 1,
      allThreadsStopped: true,
      ...(stop.text !== undefined && { text: stop.text, description: stop.text }),
    }
    this.#event('stopped', body)
  }
}
