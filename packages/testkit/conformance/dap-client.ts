import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { DOPPEL } from './doppel-process.ts'

type Answer = DebugProtocol.Response & { readonly body: Record<string, unknown> }
const LONGEST_MS = 120_000

/** An editor that debugs by `doppel dap`. */
export class DapClient {
  /** What the program has printed. */
  output = ''
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #messages: DebugProtocol.ProtocolMessage[] = []
  #held = Buffer.alloc(0)
  #sequence = 0
  #look: () => void = () => undefined

  constructor(env: Readonly<Record<string, string>> = {}) {
    const options = { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] } as const
    this.#child = spawn(process.execPath, [DOPPEL, 'dap'], { ...options, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
  }
  #take(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes])
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n\r\n/.exec(this.#held.toString('latin1', 0, 100))
      const end = head ? head[0].length + Number(head[1]) : Infinity
      if (!head || this.#held.length < end) break
      const message = JSON.parse(this.#held.toString('utf8', head[0].length, end)) as DebugProtocol.ProtocolMessage
      this.#held = this.#held.subarray(end)
      const { event, body } = message as DebugProtocol.OutputEvent
      if (event === 'output') this.output += body.output
      this.#messages.push(message)
    }
    this.#look()
  }
  /** The first message of a kind that nobody has asked for yet. */
  async #next<T extends DebugProtocol.ProtocolMessage>(isIt: (message: T) => boolean, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const timer = setTimeout(() => reject(new Error(`no ${what} came; output: ${this.output}`)), LONGEST_MS)
    this.#look = () => {
      const found = this.#messages.findIndex(message => isIt(message as T))
      if (found >= 0) resolve(this.#messages.splice(found, 1)[0] as T)
    }
    this.#look()
    return await promise.finally(() => {
      clearTimeout(timer)
      this.#look = () => undefined
    })
  }
  /** Asks, and expects to be given it. */
  async ask(command: string, args: object = {}): Promise<Answer['body']> {
    const answer = await this.tries(command, args)
    if (!answer.success) throw new Error(`${command}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  async tries(command: string, args: object = {}): Promise<Answer> {
    const seq = ++this.#sequence
    const body = Buffer.from(JSON.stringify({ seq, type: 'request', command, arguments: args }))
    this.#child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`)
    this.#child.stdin.write(body)
    const isIt = (m: DebugProtocol.Response): boolean => m.type === 'response' && m.request_seq === seq
    return (await this.#next(isIt, `answer to ${command}`)) as Answer
  }
  async event<T extends DebugProtocol.Event>(name: T['event']): Promise<T> {
    return await this.#next<T>(message => message.type === 'event' && message.event === name, name)
  }
  /** Asks for a run, and waits for its end. */
  async run(command: string, args: object = { threadId: 1 }): Promise<DebugProtocol.StoppedEvent['body']> {
    await this.ask(command, args)
    return (await this.event<DebugProtocol.StoppedEvent>('stopped')).body
  }
  async frames(threadId = 1): Promise<DebugProtocol.StackFrame[]> {
    return (await this.ask('stackTrace', { threadId }))['stackFrames'] as DebugProtocol.StackFrame[]
  }
  async variables(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.ask('variables', { variablesReference }))['variables'] as DebugProtocol.Variable[]
  }
  /** The first scope of a frame, the innermost's where none is named. */
  async locals(frameId?: number): Promise<DebugProtocol.Variable[]> {
    const scopes = await this.ask('scopes', { frameId: frameId ?? (await this.frames())[0]?.id })
    return await this.variables((scopes['scopes'] as DebugProtocol.Scope[])[0]?.variablesReference ?? 0)
  }
  async value(expression: string, frameId?: number): Promise<string> {
    const frame = frameId ?? (await this.frames())[0]?.id
    return String((await this.ask('evaluate', { expression, frameId: frame }))['result'])
  }
  /** Sets the breakpoints of a file; returns the lines that they have come to. */
  async breakAt(path: string, lines: readonly number[]): Promise<(number | undefined)[]> {
    const breakpoints = lines.map(line => ({ line }))
    const body = await this.ask('setBreakpoints', { source: { path }, breakpoints })
    return (body['breakpoints'] as DebugProtocol.Breakpoint[]).map(({ line }) => line)
  }
  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.stdin.end()
    await once(this.#child, 'close')
  }
}
