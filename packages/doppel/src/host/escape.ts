/** What the user asked for by Ctrl-A and a letter. */
export type EscapeAction = 'quit' | 'help' | 'console'

const CTRL_A = 0x01

/** What Ctrl-A h shows. */
export const ESCAPE_HELP: string = `
Ctrl-A x       end the machine
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest (Ctrl-A a too)
`.replaceAll('\n', '\r\n')

/** Takes Ctrl-A sequences (QEMU's) out of what is typed; a sequence may come in pieces. */
export class EscapeFilter {
  #pending = false

  feed(typed: Uint8Array): { readonly forGuest: Uint8Array; readonly actions: readonly EscapeAction[] } {
    const forGuest: number[] = []
    const actions: EscapeAction[] = []
    for (const byte of typed) {
      if (!this.#pending) {
        if (byte === CTRL_A) this.#pending = true
        else forGuest.push(byte)
        continue
      }
      this.#pending = false
      const letter = String.fromCharCode(byte).toLowerCase()
      if (letter === 'x') actions.push('quit')
      else if (letter === 'h' || letter === '?') actions.push('help')
      else if (letter === 'c') actions.push('console')
      else if (letter === 'a' || byte === CTRL_A) forGuest.push(CTRL_A)
      // Any other letter is swallowed with its Ctrl-A, as in QEMU.
    }
    return { forGuest: Uint8Array.from(forGuest), actions }
  }
}
