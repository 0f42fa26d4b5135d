/** How a machine's loop lets the host's event loop run. Injected, so that tests and recordings own waiting. */
export interface HostTasks {
  /** Resolves after the host has had a turn: its input, timers and rendering. */
  yield(): Promise<void>
  /** Resolves after `delayMs`, or at once when `wake` is called. */
  sleep(delayMs: number): { readonly done: Promise<void>; wake(): void }
  /** Releases what keeps the host from exiting; the tasks are not used afterwards. */
  close(): void
}

/**
 * Node's own macrotask, absent in browsers. Node answers up to a thousand messages of a channel before it looks at
 * timers, signals and input, which a machine that yields by messages would keep waiting for seconds.
 */
const setImmediate = Reflect.get(globalThis, 'setImmediate') as ((callback: () => void) => void) | undefined

/** The host's own tasks. A message is the macrotask that browsers neither clamp to 4 ms nor throttle like a timer. */
export function hostTasks(): HostTasks {
  // Made when first used: an open channel keeps a process from exiting, and a machine may fail before it runs.
  let channel: MessageChannel | undefined
  let resume: (() => void) | undefined
  const open = (): MessageChannel => {
    const opened = new MessageChannel()
    opened.port1.onmessage = () => resume?.()
    return opened
  }
  return {
    yield: () =>
      new Promise(resolve => {
        if (setImmediate) {
          setImmediate(resolve)
          return
        }
        resume = resolve
        channel ??= open()
        channel.port2.postMessage(null)
      }),
    sleep: delayMs => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, delayMs)
      return {
        done: promise,
        wake: () => {
          clearTimeout(timer)
          resolve()
        },
      }
    },
    close: () => channel?.port1.close(),
  }
}
