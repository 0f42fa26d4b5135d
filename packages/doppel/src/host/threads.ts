import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DoppelError } from '@doppel/base'
import type { RemoteCompiler } from '@doppel/engine'
import { type HartThread, remoteCompiler, type ThreadOptions } from '@doppel/riscv'

/** What a machine's thread is for. */
export type ThreadRole = 'hart' | 'translator'

const PROGRAM = new URL('../../bin/thread.js', import.meta.url)
/** Processors that let no store be seen before an earlier one, nor a load before an earlier load. */
const ORDERED = new Set(['x64', 'ia32'])

/** How harts get threads of this host. Starting one throws `run.threads` where the process may not. */
export function hartThreads(): Pick<ThreadOptions, 'startThread' | 'sharing'> {
  return { startThread: () => startThread('hart'), sharing: ORDERED.has(process.arch) ? 'ordered' : 'weak' }
}

let compiler: RemoteCompiler | undefined

/** Compiles regions for all machines of this process, on a thread of its own; undefined where that would not help. */
export function translatorThread(): RemoteCompiler | undefined {
  if (availableParallelism() < 2) return undefined
  try {
    return (compiler ??= remoteCompiler(startThread('translator')))
  } catch (error) {
    // A jailed process may start none: machines compile for themselves.
    if (error instanceof DoppelError) return undefined
    throw error
  }
}

/** The same, but the thread is not there before there is work for it: starting one takes what a clone needs to answer. */
export function translatorOnDemand(): RemoteCompiler | undefined {
  if (availableParallelism() < 2) return undefined
  return {
    compile: async requests => await translatorThread()?.compile(requests),
    warm: module => translatorThread()?.warm(module),
  }
}

function startThread(role: ThreadRole): HartThread {
  let worker: Worker
  try {
    worker = new Worker(PROGRAM, { execArgv: [], workerData: role })
  } catch (error) {
    throw new DoppelError('run.threads', `a machine's thread does not start: ${(error as Error).message}`, {}, error)
  }
  let holds = true
  const keepHold = (): void => (holds ? worker.ref() : worker.unref())
  return {
    post: message => worker.postMessage(message),
    onMessage: listener => {
      worker.on('message', listener)
      // Node takes a listener for a reason to wait.
      keepHold()
    },
    onError: listener => worker.on('error', listener),
    hold: wanted => {
      holds = wanted
      keepHold()
    },
    terminate: () => void worker.terminate(),
  }
}
