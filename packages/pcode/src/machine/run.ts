import type { Clock } from '@doppel/base'
import type { Program } from '../program/program.ts'
import { execute, type Stopped } from '../translate/execute.ts'
import { translateProgram } from '../translate/module.ts'
import { type VerifiedProgram, verifyProgram } from '../verify/verify.ts'
import { layoutOf } from './layout.ts'
import type { RealStyle } from './number-text.ts'
import type { FilePort } from './ports.ts'
import { Halt, Problem } from './problem.ts'
import { expressionPlace, placeOf, PROBLEM_STATUS, problemOf, type RunResult } from './result.ts'
import { Runtime } from './runtime.ts'

/** How a program is run. */
export interface RunOptions {
  readonly files: FilePort
  readonly engine?: 'interpreter' | 'translator'
  readonly realStyle?: RealStyle
  readonly stackBytes?: number
  readonly memoryBytes?: number
  /** What a program’s `time` shows (UCSD Pascal); 0 where this is left out. */
  readonly clock?: Clock
  /** Called now and then while the program runs: may wait, and stops the program by throwing a Problem. */
  readonly look?: () => Promise<void> | undefined
}

/** A sixtieth of a second. */
const NS_OF_TICK = 16_666_667n

/** As Free Pascal writes reals in its ISO mode. */
export const DEFAULT_REAL_STYLE: RealStyle = { exponentLetter: 'e', exponentDigits: 2 }

/** Verifies a program and runs it to its end; what it does wrong is in the result. */
export async function runProgram(program: Program, options: RunOptions): Promise<RunResult> {
  const verified = verifyProgram(program)
  const layout = layoutOf(program, options.stackBytes, options.memoryBytes)
  const runtime = new Runtime(
    program,
    layout,
    options.files,
    options.realStyle ?? program.realStyle ?? DEFAULT_REAL_STYLE,
  )
  const { clock } = options
  if (clock) runtime.ticks = () => Number((clock.realtimeNs() / NS_OF_TICK) & 0xffff_ffffn)
  const run = options.engine === 'interpreter' ? interpret : translateAndRun
  const { ended: stopped, sites } = await run(verified, runtime, options)
  const ended = stopped ?? runtime.close()
  if (stopped) runtime.close()
  const problem = ended instanceof Problem ? ended : undefined
  return {
    exitCode: ended instanceof Halt ? ended.exitCode : problem ? PROBLEM_STATUS : 0,
    problem,
    trace: problem ? sites.map((site, i) => (i === 0 ? expressionPlace : placeOf)(program, site.routine, site.at)) : [],
    leakedBlocks: runtime.heap.liveBlocks,
    leakedBytes: runtime.heap.liveBytes,
  }
}

async function interpret(verified: VerifiedProgram, runtime: Runtime, options: RunOptions): Promise<Stopped> {
  // Programs are translated as a rule, and begin sooner without it.
  const { Interpreter } = await import('../interpret/interpreter.ts')
  const interpreter = new Interpreter(verified, runtime)
  try {
    for (const wait of interpreter.run(options.look)) {
      runtime.flush()
      await wait
    }
    return { ended: undefined, sites: [] }
  } catch (error) {
    return { ended: problemOf(error), sites: interpreter.sites() }
  }
}
async function translateAndRun(verified: VerifiedProgram, runtime: Runtime, options: RunOptions): Promise<Stopped> {
  return execute(translateProgram(verified, runtime.layout), runtime, options.look)
}
