import { DoppelError } from '@doppel/base'
import type { RunOptions } from './cli/run-options.ts'

/** Starts the machine that the options describe and returns its exit status. Throws `run.*`. */
export function runMachine(_options: RunOptions): Promise<number> {
  return Promise.reject(new DoppelError('run.unavailable', 'this build of doppel has no machine to run yet'))
}
