import { type BlockStore, type CharPort, DoppelError, type NetPort } from '@doppel/base'

/** A disk in memory. Each call takes a turn of the event loop, as a real one would. */
export function memoryStore(
  sizeBytes: number,
  readOnly = false,
): BlockStore & { readonly bytes: Uint8Array; flushes: number } {
  const bytes = new Uint8Array(sizeBytes)
  const check = (offset: number, lengthBytes: number): void => {
    if (offset < 0 || offset + lengthBytes > sizeBytes) throw new DoppelError('test.range', 'outside the disk')
  }
  const store = {
    sizeBytes,
    readOnly,
    bytes,
    flushes: 0,
    async read(offset: number, into: Uint8Array) {
      check(offset, into.length)
      await Promise.resolve()
      into.set(bytes.subarray(offset, offset + into.length))
    },
    async write(offset: number, from: Uint8Array) {
      check(offset, from.length)
      await Promise.resolve()
      bytes.set(from, offset)
    },
    async flush() {
      await Promise.resolve()
      store.flushes++
    },
    async discard(offset: number, lengthBytes: number) {
      check(offset, lengthBytes)
      await Promise.resolve()
      bytes.fill(0, offset, offset + lengthBytes)
    },
    async close() {
      await Promise.resolve()
    },
  }
  return store
}

/** A terminal whose typing and size a test sets. */
export function testTerminal(size?: { columns: number; rows: number }): CharPort & {
  type(text: string): void
  resize(columns: number, rows: number): void
  readonly shown: string
} {
  let receive: (bytes: Uint8Array) => void = () => undefined
  let changed: () => void = () => undefined
  let shown = ''
  return {
    write: bytes => void (shown += new TextDecoder().decode(bytes)),
    onInput: to => void (receive = to),
    size: () => size,
    onResize: to => void (changed = to),
    type: text => receive(new TextEncoder().encode(text)),
    resize(columns, rows) {
      size = { columns, rows }
      changed()
    },
    get shown() {
      return shown
    },
  }
}

/** A network that answers every frame with a longer one. */
export function chattyPort(): NetPort {
  let receive: (frame: Uint8Array) => void = () => undefined
  return {
    send: frame => receive(new Uint8Array(Math.min(frame.length + 100, 70_000))),
    onFrame: to => void (receive = to),
  }
}
