import { compilerFor, type RemoteCompiler } from '@doppel/engine'
import { riscvIsa } from '../isa.ts'
import { CONTEXTS } from '../state.ts'
import type { BoardPort, HartThread } from './messages.ts'

type Asked =
  | { readonly kind: 'compile'; readonly id: number; readonly requests: Parameters<RemoteCompiler['compile']>[0] }
  | { readonly kind: 'warm'; readonly module: WebAssembly.Module }
interface Answered {
  readonly id: number
  readonly answer: Awaited<ReturnType<RemoteCompiler['compile']>>
}

/** The whole of a thread that compiles regions for others. */
export function serveTranslations(port: BoardPort): void {
  const compiler = compilerFor(riscvIsa(CONTEXTS))
  port.onMessage(message => {
    const asked = message as Asked
    if (asked.kind === 'warm') compiler.warm(asked.module)
    else port.post({ id: asked.id, answer: compiler.compile(asked.requests) } satisfies Answered)
  })
}

/** What asks such a thread; any number of machines may. Once the thread has died every answer is `undefined`. */
export function remoteCompiler(thread: HartThread): RemoteCompiler {
  const waiting = new Map<number, (answer: Answered['answer']) => void>()
  let isDead = false
  let last = 0
  thread.hold(false)
  thread.onMessage(message => {
    const { id, answer } = message as Answered
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  thread.onError(() => {
    isDead = true
    for (const resolve of waiting.values()) resolve(undefined)
    waiting.clear()
  })
  const ask = (asked: Asked): void => thread.post(asked)
  return {
    compile: async requests => {
      if (isDead) return undefined
      const id = ++last
      const { promise, resolve } = Promise.withResolvers<Answered['answer']>()
      waiting.set(id, resolve)
      ask({ kind: 'compile', id, requests })
      return await promise
    },
    warm: module => {
      if (!isDead) ask({ kind: 'warm', module })
    },
  }
}
