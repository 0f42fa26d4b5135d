import type { CharPort } from '@doppel/base'

/** A slice's output is handed on before it grows beyond this, bytes. */
const GATHERED_BYTES = 4096

/**
 * A port that hands on what is written once the slice under way is over, or when it is much: guests print byte by byte,
 * and each write to a terminal or pipe is a call of the host's system.
 */
export function gatherOutput(port: CharPort): CharPort {
  let gathered = new Uint8Array(GATHERED_BYTES)
  let length = 0
  const handOn = (): void => {
    if (length === 0) return
    const bytes = gathered.subarray(0, length)
    // Whoever has been given bytes may keep them.
    gathered = new Uint8Array(GATHERED_BYTES)
    length = 0
    port.write(bytes)
  }
  return {
    write: bytes => {
      if (bytes.length > GATHERED_BYTES - length) {
        handOn()
        if (bytes.length > GATHERED_BYTES) return port.write(bytes)
      }
      // The machine's loop lets such tasks run after every slice.
      if (length === 0) void Promise.resolve().then(handOn)
      gathered.set(bytes, length)
      length += bytes.length
    },
    onInput: receive => port.onInput(receive),
    ...(port.size && { size: () => port.size?.() }),
    ...(port.onResize && { onResize: (changed: () => void) => port.onResize?.(changed) }),
  }
}
