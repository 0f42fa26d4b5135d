import { type CharPort, DoppelError } from '@doppel/base'

/** How much of a line is kept; a panic's reason is shorter. */
const MAX_LINE_BYTES = 512
const PANIC = /Kernel panic - not syncing: (.*)/

/** Reads along on a console for a kernel's last words, which nobody sees where its messages are not shown. */
export class PanicWatch {
  #line = ''
  #reason: string | undefined

  /** A port that passes everything on. */
  over(port: CharPort): CharPort {
    return {
      ...port,
      onInput: receive => port.onInput(receive),
      write: bytes => {
        this.#read(bytes)
        port.write(bytes)
      },
    }
  }

  /** What to throw when the kernel panicked; undefined when it did not. */
  error(): DoppelError | undefined {
    if (this.#reason === undefined) return undefined
    return new DoppelError('run.panic', `the guest's kernel panicked: ${this.#reason}; --verbose shows more`, {
      reason: this.#reason,
    })
  }

  #read(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== 0x0a) {
        if (this.#line.length < MAX_LINE_BYTES && byte >= 0x20 && byte < 0x7f) this.#line += String.fromCharCode(byte)
        continue
      }
      this.#reason ??= PANIC.exec(this.#line)?.[1]
      this.#line = ''
    }
  }
}
