/** JavaScript Promise Integration (https://github.com/WebAssembly/js-promise-integration), not yet in TypeScript’s types. */
interface PromiseIntegration {
  readonly Suspending: new (run: (...args: never[]) => unknown) => object
  promising(exported: unknown): (...args: readonly unknown[]) => Promise<unknown>
}

const api = WebAssembly as unknown as PromiseIntegration

/** An import that suspends the stack calling it until the promise it returns is settled. */
export function suspending(run: (...args: never[]) => unknown): object {
  return new api.Suspending(run)
}
/** An exported function run on a stack of its own; the promise is of its result. */
export function promising(exported: unknown): (...args: readonly unknown[]) => Promise<unknown> {
  return api.promising(exported)
}
