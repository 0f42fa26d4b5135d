/** JavaScript Promise Integration (https://github.com/WebAssembly/js-promise-integration), not yet in TypeScript's types. */
interface PromiseIntegration {
  readonly Suspending?: new (run: (...args: never[]) => unknown) => WebAssembly.ImportValue & object
  promising?(exported: unknown): (...args: readonly unknown[]) => Promise<unknown>
}
const api = WebAssembly as unknown as PromiseIntegration

/** True where a program can wait for input while its frames stay. */
export const canSuspend: boolean = api.Suspending !== undefined && api.promising !== undefined

/** An import that suspends the stack calling it until the promise it returns, if it does, is settled. */
export function suspending(run: (...args: never[]) => unknown): WebAssembly.ImportValue {
  return api.Suspending && canSuspend ? new api.Suspending(run) : run
}
/** An exported function run on a stack of its own; the promise is of its result. */
export function promising(exported: unknown): () => Promise<unknown> {
  if (api.promising && canSuspend) return api.promising(exported)
  return async () => (exported as () => unknown)()
}
