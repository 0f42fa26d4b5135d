import {
  DoppelError,
  type PlacedBreakpoint,
  type SourceBreakpoint,
  type SourceEnd,
  type SourceFrame,
  type SourceRun,
  type SourceScope,
  type SourceStop,
  type SourceTarget,
  type SourceValue,
} from '@doppel/base'
import { Interpreter } from '../interpret/interpreter.ts'
import { layoutOf } from '../machine/layout.ts'
import { Halt, Problem } from '../machine/problem.ts'
import { placeOf, PROBLEM_STATUS, problemOf } from '../machine/result.ts'
import { DEFAULT_REAL_STYLE, type RunOptions } from '../machine/run.ts'
import { Runtime } from '../machine/runtime.ts'
import type { Program } from '../program/program.ts'
import { verifyProgram } from '../verify/verify.ts'
import { assignPlace } from './assign.ts'
import { Breakpoints } from './breakpoints.ts'
import type { Place } from './datum.ts'
import { contentsOf, evaluate } from './evaluate.ts'
import { FrameView } from './frame-view.ts'
import { type CodePlace, LineTable, Mark } from './line-table.ts'
import { readExpression, type WrittenExpression } from './read-expression.ts'
import { ConstantValue, ShownValue } from './shown-value.ts'

/** Instructions between looks at the world outside. */
const SLICE = 20_000

/** How a program is debugged: as it is run, and `look` says when others may have their turn. */
export type DebugOptions = Pick<RunOptions, 'files' | 'realStyle' | 'stackBytes' | 'memoryBytes'> & {
  /** Resolves when others have had their turn: debuggers must be heard while a program computes. */
  readonly rest: () => Promise<void>
}

/** A step under way: what it began at. */
interface Step {
  readonly how: Exclude<SourceRun, 'continue'>
  depth: number
  line: number
}

/** A program under a debugger: run by its instructions' meanings, stoppable at each. Throws `pcode.*` for one that is not in order. */
export class ProgramDebugger implements SourceTarget {
  readonly files: readonly string[]
  onMessage: ((text: string) => void) | undefined
  readonly #program: Program
  readonly #runtime: Runtime
  readonly #interpreter: Interpreter
  readonly #lines: LineTable
  readonly #breakpoints: Breakpoints
  readonly #rest: () => Promise<void>
  /** What is left of an instruction that waits. */
  #waiting: Generator<Promise<void>, void> | undefined
  #wait: Promise<void> | undefined
  #pauseAsked: (() => void) | undefined
  #isPauseAsked = false
  /** The next instruction is where it stopped: it does not stop there again. */
  #hasStopped = false
  #problem: Problem | undefined
  #end: SourceEnd | undefined

  constructor(program: Program, options: DebugOptions) {
    const verified = verifyProgram(program)
    const layout = layoutOf(program, options.stackBytes, options.memoryBytes)
    const style = options.realStyle ?? program.realStyle ?? DEFAULT_REAL_STYLE
    this.#program = program
    this.files = program.sources
    this.#runtime = new Runtime(program, layout, options.files, style)
    this.#interpreter = new Interpreter(verified, this.#runtime)
    this.#lines = new LineTable(program)
    this.#breakpoints = new Breakpoints(this.#lines)
    this.#rest = options.rest
  }

  setBreakpoints(file: string, breakpoints: readonly SourceBreakpoint[]): readonly PlacedBreakpoint[] {
    return this.#breakpoints.setOf(file, breakpoints)
  }
  setRoutineBreakpoints(names: readonly string[]): readonly (SourceFrame | undefined)[] {
    const wanted = names.map(name => name.toLowerCase())
    const entries = wanted.map(name => {
      const index = this.#program.routines.findIndex(routine => routine.name.toLowerCase() === name)
      return this.#lines.entry(index)
    })
    this.#breakpoints.setOfRoutines(entries.filter(entry => entry !== undefined))
    return entries.map(entry => entry && this.#frameAt(entry))
  }
  pause(): void {
    this.#isPauseAsked = true
    this.#pauseAsked?.()
  }

  async run(how: SourceRun): Promise<SourceStop | SourceEnd> {
    if (this.#problem) this.#end ??= this.#ended(PROBLEM_STATUS)
    if (this.#end) return this.#end
    this.#isPauseAsked = false
    const here = this.#place()
    const step: Step | undefined =
      how === 'continue' ? undefined : { how, depth: this.#depth, line: this.#lines.word(here) }
    try {
      const stop = await this.#runOn(step)
      this.#hasStopped = stop.reason !== 'pause' || this.#waiting === undefined
      this.#runtime.flush()
      return stop
    } catch (error) {
      return this.#broken(problemOf(error))
    }
  }
  async #runOn(step: Step | undefined): Promise<SourceStop | SourceEnd> {
    const interpreter = this.#interpreter
    for (let slice = SLICE; ; ) {
      if (this.#waiting && !(await this.#goOn(this.#waiting))) return { reason: 'pause' }
      if (interpreter.isOver) return (this.#end = this.#ended(0))
      const reason = this.#hasStopped ? undefined : this.#stopHere(step)
      this.#hasStopped = false
      if (reason) return { reason }
      this.#waiting = interpreter.next()
      if (--slice > 0) continue
      slice = SLICE
      await this.#rest()
      if (this.#isPauseAsked) return { reason: 'pause' }
    }
  }
  /** Goes on with an instruction that waits; false when it is to wait longer, and the program to stand still. */
  async #goOn(waiting: Generator<Promise<void>, void>): Promise<boolean> {
    for (;;) {
      if (this.#wait) {
        this.#runtime.flush()
        const asked = new Promise<'asked'>(resolve => {
          this.#pauseAsked = () => resolve('asked')
        })
        const first = this.#isPauseAsked ? 'asked' : await Promise.race([asked, this.#wait])
        this.#pauseAsked = undefined
        if (first === 'asked') return false
      }
      this.#wait = undefined
      const { done, value } = waiting.next()
      if (done === true) {
        this.#waiting = undefined
        return true
      }
      this.#wait = value
    }
  }

  /** Why to stop before the next instruction; undefined to run it. */
  #stopHere(step: Step | undefined): 'breakpoint' | 'step' | undefined {
    const place = this.#place()
    const mark = this.#lines.marks[place.routine]?.[place.at] ?? 0
    if ((mark & Mark.breakpoint) !== 0 && this.#isHit(place)) return 'breakpoint'
    return step && this.#isStepDone(step, place, (mark & Mark.start) !== 0) ? 'step' : undefined
  }
  #isStepDone(step: Step, place: CodePlace, startsLine: boolean): boolean {
    const depth = this.#depth
    if (depth < step.depth) {
      if (step.how === 'out') return true
      // Back in the middle of the caller's line: the step goes on to its end.
      step.depth = depth
      step.line = this.#lines.word(place)
    }
    if (!startsLine || step.how === 'out') return false
    if (depth > step.depth) return step.how === 'into'
    return this.#lines.word(place) !== step.line
  }
  #isHit(place: CodePlace): boolean {
    const { lines, ofRoutine } = this.#breakpoints.at(place)
    let stops = ofRoutine
    for (const breakpoint of lines) {
      if (breakpoint.condition && !this.#isTrue(breakpoint.condition)) continue
      if (++breakpoint.arrivals < breakpoint.hits) continue
      if (breakpoint.message) {
        this.onMessage?.(
          breakpoint.message.map(piece => (typeof piece === 'string' ? piece : this.#told(piece))).join(''),
        )
      } else stops = true
    }
    return stops
  }
  /** A condition that has no value here stops, so that it is seen. */
  #isTrue(condition: WrittenExpression): boolean {
    try {
      return contentsOf(this.#runtime, evaluate(this.#runtime, this.#view(0), condition)).content !== 0
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      this.onMessage?.(`a condition has no value: ${error.message}`)
      return true
    }
  }
  #told(expression: WrittenExpression): string {
    try {
      return this.#valueOf(0, expression).text
    } catch (error) {
      if (error instanceof DoppelError) return `{${error.message}}`
      throw error
    }
  }

  #broken(problem: Problem | Halt): SourceStop | SourceEnd {
    this.#waiting = this.#wait = undefined
    if (problem instanceof Halt) return (this.#end = this.#ended(problem.exitCode))
    this.#problem = problem
    this.#runtime.flush()
    return { reason: 'problem', text: `${problem.message} [${problem.code}]` }
  }
  #ended(exitCode: number): SourceEnd {
    this.#runtime.close()
    return { reason: 'ended', exitCode }
  }

  frames(): readonly SourceFrame[] {
    return this.#sites().map(site => this.#frameAt(site))
  }
  scopes(frame: number): readonly SourceScope[] {
    return this.#view(frame).scopes((place, text) => this.#assign(frame, place, text))
  }
  evaluate(frame: number, expression: string): SourceValue {
    return this.#valueOf(frame, readExpression(expression))
  }
  #valueOf(frame: number, expression: WrittenExpression): SourceValue {
    const datum = evaluate(this.#runtime, this.#view(frame), expression)
    if (!('place' in datum)) return new ConstantValue(this.#runtime, datum)
    return new ShownValue(this.#runtime, datum.place, (place, text) => this.#assign(frame, place, text))
  }
  #assign(frame: number, place: Place, text: string): void {
    const datum = evaluate(this.#runtime, this.#view(frame), readExpression(text))
    assignPlace(this.#runtime, place, contentsOf(this.#runtime, datum))
  }

  get #depth(): number {
    return this.#interpreter.activations.length
  }
  /** The instruction that is next. */
  #place(): CodePlace {
    const now = this.#interpreter.activations.at(-1)
    return { routine: now?.verified.index ?? 0, at: now?.at ?? 0 }
  }
  /** Where each activation is, innermost first: a caller is at its call, and so is an instruction that waits or has failed. */
  #sites(): readonly (CodePlace & { readonly frame: number })[] {
    const isInside = this.#waiting !== undefined || this.#problem !== undefined
    return [...this.#interpreter.activations].reverse().map(({ verified, at, frame }, depth) => ({
      routine: verified.index,
      at: depth > 0 || isInside ? Math.max(at - 1, 0) : at,
      frame,
    }))
  }
  #frameAt({ routine, at }: CodePlace): SourceFrame {
    const place = placeOf(this.#program, routine, at)
    return { name: place.routine, file: place.file, line: place.line }
  }
  #view(frame: number): FrameView {
    const site = this.#sites()[frame]
    if (!site) throw new DoppelError('debug.value', `there is no frame ${frame}`)
    return new FrameView(this.#interpreter, site.routine, site.frame)
  }
}
