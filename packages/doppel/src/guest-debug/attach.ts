import { DoppelError } from '@doppel/base'
import { DapMessageReader, type DapSession, encodeDapMessage } from '@doppel/monitor'
import type { Invocation } from '../cli/command.ts'
import { ask } from '../cli/machines.ts'
import type { CallLine } from '../control/client.ts'

interface Message {
  readonly seq?: number
  readonly command?: string
  readonly arguments?: { readonly machine?: unknown }
}

/** Passes what a client says to a session here, until it attaches to a machine: then to the session that the machine's process has for it. */
export class DapRelay {
  readonly #invocation: Invocation
  readonly #local: DapSession
  readonly #send: (bytes: Uint8Array) => void
  readonly #onClose: () => void
  readonly #reader = new DapMessageReader()
  readonly #gone = new AbortController()
  #initialize: Message | undefined
  #remote: { readonly line: Promise<CallLine> } | undefined

  constructor(invocation: Invocation, local: DapSession, send: (bytes: Uint8Array) => void, onClose: () => void) {
    this.#invocation = invocation
    this.#local = local
    this.#send = send
    this.#onClose = onClose
  }
  receive(bytes: Uint8Array): void {
    if (this.#remote) return this.#pass(bytes)
    let messages: unknown[]
    try {
      messages = this.#reader.feed(bytes)
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      // The session says what is wrong with it.
      return this.#local.receive(bytes)
    }
    for (const each of messages) {
      const message = (each ?? {}) as Message
      if (message.command === 'initialize') this.#initialize = message
      const machine = message.command === 'attach' ? message.arguments?.machine : undefined
      if (this.#remote) this.#pass(encodeDapMessage(message))
      else if (typeof machine === 'string') this.#connect(machine, message)
      else this.#local.receive(encodeDapMessage(message))
    }
  }
  close(): void {
    this.#gone.abort()
    this.#local.close()
  }
  #pass(bytes: Uint8Array): void {
    void this.#remote?.line.then(line => line.send(bytes))
  }
  #connect(machine: string, attach: Message): void {
    const { promise, resolve } = Promise.withResolvers<CallLine>()
    this.#remote = { line: promise }
    const answers = new DapMessageReader()
    let isFirst = true
    ask(
      this.#invocation,
      machine,
      { op: 'dap' },
      {
        signal: this.#gone.signal,
        onOutput: bytes => {
          for (const message of answers.feed(bytes)) {
            // The client has had an answer to its first request here.
            if (!isFirst) this.#send(encodeDapMessage(message as object))
            isFirst = false
          }
        },
        input: resolve,
      },
    ).then(this.#onClose, (error: unknown) => {
      this.#remote = undefined
      if (!(error instanceof DoppelError)) throw error
      const told = { id: 1, format: `${error.message} [${error.code}]`, showUser: true }
      const answer = { seq: 0, type: 'response', request_seq: attach.seq ?? 0, command: 'attach', success: false }
      this.#send(encodeDapMessage({ ...answer, message: error.code, body: { error: told } }))
    })
    this.#pass(encodeDapMessage({ type: 'request', seq: 0, command: 'initialize', ...this.#initialize }))
    this.#pass(encodeDapMessage(attach))
  }
}
