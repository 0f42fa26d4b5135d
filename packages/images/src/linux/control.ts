/** Most bytes in one input frame: one read by the guest's dd. */
export const MAX_INPUT_FRAME_BYTES = 32_768

/** What a control line of the guest says. */
export type ControlEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'input' }
  | { readonly type: 'exit'; readonly status: number }

/** A line without an end is kept no longer than this: a guest may print for ever. */
const MAX_LINE_BYTES = 4096

/**
 * Finds the `linux` image's control lines in what its ttyS0 sends (see init-script.ts). Feed it every chunk; it
 * returns the events completed by it, in order.
 */
export class ControlReader {
  readonly #pattern: RegExp
  #line = ''

  constructor(nonce: string) {
    this.#pattern = new RegExp(`doppel-${nonce} (ready|input|exit (\\d{1,3}))\\r?$`)
  }

  feed(bytes: Uint8Array): ControlEvent[] {
    const events: ControlEvent[] = []
    const lines = (this.#line + new TextDecoder('latin1').decode(bytes)).split('\n')
    this.#line = (lines.pop() ?? '').slice(-MAX_LINE_BYTES)
    for (const line of lines) {
      const match = this.#pattern.exec(line)
      if (!match) continue
      if (match[2] !== undefined) events.push({ type: 'exit', status: Number(match[2]) & 0xff })
      else events.push({ type: match[1] === 'ready' ? 'ready' : 'input' })
    }
    return events
  }
}

/** Input for the guest's command as hvc0 expects it; no bytes mean the end of input. At most 32 KiB a frame. */
export function inputFrame(bytes: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`${bytes.length}\n`)
  const frame = new Uint8Array(head.length + bytes.length)
  frame.set(head)
  frame.set(bytes, head.length)
  return frame
}
