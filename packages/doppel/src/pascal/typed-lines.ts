import { createInterface, type Interface } from 'node:readline'
import { utf8Bytes } from '@doppel/base'
import type { InputStream } from '@doppel/pcode'

/** Lines of this process's standard input, for a debugger and the program that it debugs in turn. */
export class TypedLines implements InputStream {
  readonly #lines: Interface
  readonly #queue: string[] = []
  #wanted: ((line: string | undefined) => void) | undefined
  #hasEnded = false

  /** `onInterrupt` is called for control-C. */
  constructor(onInterrupt: () => void) {
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY
    this.#lines = createInterface({
      input: process.stdin,
      output: isTerminal ? process.stdout : undefined,
      terminal: isTerminal,
    })
    this.#lines.on('line', line => {
      if (this.#wanted) this.#take(line)
      else this.#queue.push(line)
    })
    this.#lines.on('close', () => {
      this.#hasEnded = true
      this.#take(undefined)
    })
    this.#lines.on('SIGINT', onInterrupt)
  }

  /** The next line; undefined at the end. */
  async next(prompt = ''): Promise<string | undefined> {
    if (this.#queue.length > 0) return this.#queue.shift()
    if (this.#hasEnded) return undefined
    this.#lines.setPrompt(prompt)
    // Else nothing would be seen of a program's own question, which stands in the same line.
    if (prompt !== '') this.#lines.prompt()
    return await new Promise(resolve => {
      this.#wanted = resolve
    })
  }
  async read(): Promise<Uint8Array | undefined> {
    const line = await this.next()
    return line === undefined ? undefined : utf8Bytes(`${line}\n`)
  }
  end(): void {
    this.#lines.close()
  }
  #take(line: string | undefined): void {
    const wanted = this.#wanted
    this.#wanted = undefined
    wanted?.(line)
  }
}
