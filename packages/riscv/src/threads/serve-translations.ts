import { compilerFor, type RemoteCompiler } from '@doppel/engine'
import { riscvIsa } from '../isa.ts'
import { CONTEXTS } from '../state.ts'
import type { BoardPort, HartThread } from './messages.ts'

type Asked = { readonly id: number } & {
  readonly [Kind in keyof RemoteCompiler]: { readonly kind: Kind; readonly what: Parameters<RemoteCompiler[Kind]>[0] }
}[keyof RemoteCompiler]
interface Answered {
  readonly id: number
  readonly answer: unknown
}

/** The whole of a thread that compiles regions for others. */
export function serveTranslations(port: BoardPort): void {
  const compiler = compilerFor(riscvIsa(CONTEXTS))
  port.onMessage(message => {
    const asked = message as Asked
    const answer = asked.kind === 'compile' ? compiler.compile(asked.what) : compiler.restore(asked.what)
    port.post({ id: asked.id, answer } satisfies Answered)
  })
}

/** What asks such a thread; any number of machines may. Once the thread has died every answer is `undefined`. */
export function remoteCompiler(thread: HartThread): RemoteCompiler {
  const waiting = new Map<number, (answer: unknown) => void>()
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
  const ask = async (question: Omit<Asked, 'id'>): Promise<unknown> => {
    if (isDead) return undefined
    const id = ++last
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(id, resolve)
    thread.post({ id, ...question })
    return await promise
  }
  return {
    compile: async what => (await ask({ kind: 'compile', what })) as Awaited<ReturnType<RemoteCompiler['compile']>>,
    restore: async what => (await ask({ kind: 'restore', what })) as Awaited<ReturnType<RemoteCompiler['restore']>>,
  }
}
