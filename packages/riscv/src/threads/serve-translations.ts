import { compileRegions, type CompiledElsewhere, type RegionRequest, type RemoteCompiler } from '@doppel/engine'
import { riscvIsa } from '../isa.ts'
import { CONTEXTS } from '../state.ts'
import type { BoardPort, HartThread } from './messages.ts'

interface Asked {
  readonly id: number
  readonly requests: readonly RegionRequest[]
}
interface Answered extends CompiledElsewhere {
  readonly id: number
}

/** The whole of a thread that compiles regions for others. */
export function serveTranslations(port: BoardPort): void {
  const compile = compileRegions(riscvIsa(CONTEXTS))
  port.onMessage(message => {
    const { id, requests } = message as Asked
    const answer: Answered = { id, ...compile(requests) }
    port.post(answer)
  })
}

/** What asks such a thread; any number of machines may. Once the thread has died every answer is `undefined`. */
export function remoteCompiler(thread: HartThread): RemoteCompiler {
  const waiting = new Map<number, (compiled: CompiledElsewhere | undefined) => void>()
  let isDead = false
  let last = 0
  thread.hold(false)
  thread.onMessage(message => {
    const answer = message as Answered
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  thread.onError(() => {
    isDead = true
    for (const resolve of waiting.values()) resolve(undefined)
    waiting.clear()
  })
  return requests => {
    if (isDead) return Promise.resolve(undefined)
    const id = ++last
    const { promise, resolve } = Promise.withResolvers<CompiledElsewhere | undefined>()
    waiting.set(id, resolve)
    thread.post({ id, requests } satisfies Asked)
    return promise
  }
}
