import { assert } from '@doppel/base'
import { HartRunner } from './hart-runner.ts'
import type { BoardPort, FromHart, ToHart } from './messages.ts'

/** The whole of a hart's thread: makes the hart when told to, runs it until it is to come home, and so on. */
export function serveHart(port: BoardPort): void {
  const post = (message: FromHart): void => port.post(message)
  let runner: HartRunner | undefined
  port.onMessage(message => {
    const told = message as ToHart
    if (told.kind === 'make') {
      runner = new HartRunner(told)
      post({ kind: 'ready' })
      return
    }
    assert(runner !== undefined, 'a hart is made before it runs')
    if (told.kind === 'go') {
      const hart = runner.run(told.hart)
      post({ kind: 'home', hart, stats: runner.stats() })
    } else post({ kind: 'translations', file: runner.translations() })
  })
}
