import { DoppelError } from '@doppel/base'

/** What a promise resolves with. Throws `machine.timeout` when it has not after `timeoutMs`, if there is such a limit. */
export async function inTime<T>(what: Promise<T>, timeoutMs: number | undefined): Promise<T> {
  if (timeoutMs === undefined) return await what
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new DoppelError('machine.timeout', `the machine still runs after ${timeoutMs} ms`, { timeoutMs })),
    timeoutMs,
  )
  try {
    return await Promise.race([what, promise])
  } finally {
    clearTimeout(timer)
  }
}
