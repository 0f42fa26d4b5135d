import { constants } from 'node:os'

const ENDING_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const

type Ender = { readonly end: (exitStatus: number) => void }

/** Who is to be told of a signal, the first to be asked last. */
const enders: Ender[] = []
const handlers = ENDING_SIGNALS.map(signal => ({
  signal,
  handler: (): void => {
    const last = enders.at(-1)
    if (last) remove(last)
    last?.end(128 + constants.signals[signal])
  },
}))

/**
 * Calls `end` when a signal asks this program to end, with the exit status that shells give such an end: 128 and the
 * signal's number. The latest caller is told first; a second signal is for the one before it, and one that nobody is
 * left for ends the program. Returns what takes `end` back.
 */
export function onEndingSignal(end: (exitStatus: number) => void): () => void {
  const ender = { end }
  if (enders.length === 0) for (const { signal, handler } of handlers) process.on(signal, handler)
  enders.push(ender)
  return () => remove(ender)
}

function remove(ender: Ender): void {
  const at = enders.indexOf(ender)
  if (at < 0) return
  enders.splice(at, 1)
  if (enders.length === 0) for (const { signal, handler } of handlers) process.off(signal, handler)
}
