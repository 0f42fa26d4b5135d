import { pointerProblem } from '../interpret/value-ops.ts'
import { CAUSES } from '../machine/causes.ts'
import { Halt, Problem } from '../machine/problem.ts'
import { problemOf } from '../machine/result.ts'
import type { Runtime } from '../machine/runtime.ts'
import { STANDARD } from '../rows/standard.ts'
import { suspending, promising, canSuspend } from './jspi.ts'
import { HOST_MODULE, type TranslatedProgram } from './module.ts'
import { causeOf, framesOf, problemOfTrap, type Site, withFrames } from './traps.ts'

/** How a translated program's run ended, where that was not its own end. */
export interface Stopped {
  readonly ended: Problem | Halt | undefined
  readonly sites: readonly Site[]
}

/** Runs a translated program to its end. */
export async function execute(
  translated: TranslatedProgram,
  runtime: Runtime,
  look: (() => Promise<void> | undefined) | undefined,
): Promise<Stopped> {
  const module = new WebAssembly.Module(translated.bytes)
  const instance = new WebAssembly.Instance(module, { [HOST_MODULE]: imports(translated, runtime, look) })
  try {
    await withFrames(() => promising(instance.exports.main)())
    return { ended: undefined, sites: [] }
  } catch (error) {
    return stoppedBy(error, translated, runtime)
  }
}

function stoppedBy(error: unknown, translated: TranslatedProgram, runtime: Runtime): Stopped {
  if (error instanceof Halt) return { ended: error, sites: [] }
  // A goto out of procedures whose activation is gone: no routine took it.
  if (error instanceof WebAssembly.Exception) return { ended: new Problem('procedure'), sites: [] }
  const ours = error instanceof Problem || error instanceof RangeError || error instanceof WebAssembly.RuntimeError
  if (!ours) throw error
  const frames = framesOf(error, translated)
  if (error instanceof RangeError) return { ended: problemOf(error), sites: frames }
  if (!(error instanceof Problem))
    return { ended: problemOfTrap(error.message, runtime.program, frames[0]), sites: frames }
  const site = error.site < 0 ? undefined : translated.sites[error.site]
  // The engine's frames begin with the problem's own, where it tells them at all.
  return { ended: error, sites: frames.length > 0 || !site ? frames : [site] }
}

function imports(
  translated: TranslatedProgram,
  runtime: Runtime,
  look: (() => Promise<void> | undefined) | undefined,
): Record<string, WebAssembly.ImportValue> {
  const made: Record<string, WebAssembly.ImportValue> = {
    memory: runtime.memory.memory,
    trap: (site: number, cause: number, ...values: number[]) => {
      const name = causeOf(cause)
      const used = (CAUSES[name].text.match(/\$\d/g) ?? []).length
      throw new Problem(name, values.slice(0, used), site)
    },
    badPointer: (site: number, pointer: number) => {
      const state = runtime.heap.state(pointer)
      const problem = pointerProblem(state === 'live' ? 'none' : state)
      problem.site = site
      throw problem
    },
    look: look ? suspending(() => look()) : () => undefined,
    allocate: (bytes: number) => runtime.heap.allocate(bytes),
    release: (pointer: number) => runtime.heap.free(pointer),
    stop: () => {
      throw new Halt(0)
    },
  }
  for (const index of translated.standard) made[`csp${index}`] = standardImport(index, runtime)
  return made
}

function standardImport(index: number, runtime: Runtime): WebAssembly.ImportValue {
  const row = STANDARD[index] as (typeof STANDARD)[number]
  const serve = row.serve as NonNullable<typeof row.serve>
  const located = (error: unknown, site: number): unknown => {
    if (error instanceof Problem) error.site = site
    return error
  }
  const count = row.pops.length
  if (!row.waits) {
    return (...args: number[]) => {
      try {
        return serve(runtime, ...args)
      } catch (error) {
        throw located(error, args[count] as number)
      }
    }
  }
  const finish = async (steps: Generator<Promise<void>, number | void>, first: Promise<void>, site: number) => {
    try {
      let wait = first
      for (;;) {
        await wait
        const step = steps.next()
        if (step.done) return step.value
        wait = step.value
      }
    } catch (error) {
      throw located(error, site)
    }
  }
  return suspending((...args: number[]) => {
    const site = args[count] as number
    try {
      const steps = serve(runtime, ...args) as Generator<Promise<void>, number | void>
      const step = steps.next()
      if (step.done) return step.value
      if (!canSuspend) throw new Problem('noWaiting')
      runtime.flush()
      return finish(steps, step.value, site)
    } catch (error) {
      throw located(error, site)
    }
  })
}
