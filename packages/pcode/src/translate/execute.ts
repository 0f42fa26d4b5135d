import { pointerProblem } from '../interpret/value-ops.ts'
import { CAUSES } from '../machine/causes.ts'
import { Halt, Problem } from '../machine/problem.ts'
import { problemOf } from '../machine/result.ts'
import type { Runtime } from '../machine/runtime.ts'
import { CODE_WORDS, Field, type Program } from '../program/program.ts'
import { Row } from '../rows/p5.ts'
import { resultOnFault, STANDARD } from '../rows/standard.ts'
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
    look: look
      ? suspending(() => {
          const wait = look()
          // Whoever watches a program that computes sees what it has written.
          if (wait) runtime.flush()
          return wait
        })
      : () => undefined,
    allocate: (bytes: number) => runtime.heap.allocate(bytes),
    release: (pointer: number) => runtime.heap.free(pointer),
    stop: () => {
      throw new Halt(0)
    },
  }
  for (const index of translated.standard) made[`csp${index}`] = standardImport(index, translated, runtime)
  return made
}

/** Whether the instruction of a site is a call that goes on where input or output fails. */
function isForgiving(translated: TranslatedProgram, program: Program, site: number): boolean {
  const place = translated.sites[site]
  return place !== undefined && program.routines[place.routine]?.code[place.at * CODE_WORDS + Field.row] === Row.csf
}

function standardImport(index: number, translated: TranslatedProgram, runtime: Runtime): WebAssembly.ImportValue {
  const row = STANDARD[index] as (typeof STANDARD)[number]
  const serve = row.serve as NonNullable<typeof row.serve>
  const located = (error: unknown, site: number): unknown => {
    if (error instanceof Problem) error.site = site
    return error
  }
  /** The result where the call is one that goes on; else throws. */
  const settled = (error: unknown, args: readonly number[]): number | undefined => {
    const site = args[count] as number
    if (
      error instanceof Problem &&
      isForgiving(translated, runtime.program, site) &&
      runtime.forgives(error, row.onFault !== undefined)
    )
      return resultOnFault(row, args)
    throw located(error, site)
  }
  const count = row.pops.length
  if (!row.waits) {
    return (...args: number[]) => {
      try {
        return serve(runtime, ...args)
      } catch (error) {
        return settled(error, args)
      }
    }
  }
  const finish = async (
    steps: Generator<Promise<void>, number | void>,
    first: Promise<void>,
    args: readonly number[],
  ) => {
    try {
      let wait = first
      for (;;) {
        await wait
        const step = steps.next()
        if (step.done) return step.value
        wait = step.value
      }
    } catch (error) {
      return settled(error, args)
    }
  }
  return suspending((...args: number[]) => {
    try {
      const steps = serve(runtime, ...args) as Generator<Promise<void>, number | void>
      const step = steps.next()
      if (step.done) return step.value
      if (!canSuspend) throw new Problem('noWaiting')
      runtime.flush()
      return finish(steps, step.value, args)
    } catch (error) {
      return settled(error, args)
    }
  })
}
