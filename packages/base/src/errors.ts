/**
 * A failure that the host or user can act on: what, where and what was expected.
 * `code` is stable API (`area.reason`); `details` carries the values the message names.
 */
export class DoppelError extends Error {
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DoppelError'
    this.code = code
    this.details = details
  }
}

/** Throws when our own invariant does not hold: a bug of doppel's, never a guest's or user's doing. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new DoppelError('internal.assertion', `doppel bug: ${message}`)
}
