import type { Streams } from '../cli/command.ts'
import type { RunOptions } from '../cli/run-options.ts'
import { onEndingSignal } from '../host/signals.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124

/** Why a machine was ended from outside, if it was. */
export interface EarlyEnd {
  /** The exit status that this gives the run, said on stderr where time ran out; undefined when the machine ended itself. */
  readonly status: () => number | undefined
  /** Stops watching. */
  readonly close: () => void
}

/** Calls `end` when the options' time is up, or a signal asks this program to end. */
export function watchForEnd({ timeoutMs }: RunOptions, streams: Streams, end: () => void): EarlyEnd {
  let signalled: number | undefined
  let isLate = false
  const ignoreSignals = onEndingSignal(exitStatus => {
    signalled = exitStatus
    end()
  })
  const late = (): void => {
    isLate = true
    end()
  }
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs)
  return {
    status: () => {
      if (signalled !== undefined || !isLate) return signalled
      streams.stderr(`doppel: the machine was ended after ${timeoutMs} ms [run.timeout]\n`)
      return TIMED_OUT
    },
    close: () => {
      ignoreSignals()
      clearTimeout(timer)
    },
  }
}

/** Tells whoever sits at a terminal how to leave the machine. */
export function greet(streams: Streams): void {
  if (streams.stderrIsTerminal) streams.stderr('doppel: starting; Ctrl-A x quits, Ctrl-A h helps\n')
}
