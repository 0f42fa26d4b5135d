import {
  type DataBreakpoint,
  DoppelError,
  type PlacedBreakpoint,
  type SourceBreakpoint,
  type SourceEnd,
  type SourceFrame,
  type SourceReturn,
  type SourceRun,
  type SourceStop,
  type SourceTarget,
} from '@doppel/base'
import { findCommand } from './commands.ts'

/** What a terminal's debugger works on. */
export interface TerminalDebugging {
  readonly target: SourceTarget
  /** The text of one of the program's files; undefined where it cannot be had. */
  readonly readSource: (file: string) => string | undefined
  readonly write: (text: string) => void
}

/** A breakpoint, and the number by which it is known here. */
export interface AskedBreakpoint extends SourceBreakpoint {
  readonly number: number
  readonly file: string
}

/** Lines of source shown at once. */
const LISTED_LINES = 10

/** A debugger that is typed to, in the spirit of GDB's command line. */
export class TerminalDebugger {
  readonly target: SourceTarget
  readonly write: (text: string) => void
  breakpoints: readonly AskedBreakpoint[] = []
  readonly displays: string[] = []
  /** The frame that expressions are seen from, and its thread: the one that stopped last. */
  frame = 0
  thread = 0
  watched: readonly DataBreakpoint[] = []
  /** How the program ended; undefined while it has not. */
  end: SourceEnd | undefined
  readonly #readSource: (file: string) => string | undefined
  readonly #sources = new Map<string, readonly string[] | undefined>()
  #isOver = false
  #latest = ''
  #numbers = 0
  #listedTo = 0

  constructor({ target, readSource, write }: TerminalDebugging) {
    this.target = target
    this.write = write
    this.#readSource = readSource
    target.onMessage = text => write(`${text}\n`)
  }

  /** True when there is nothing more to debug, or it was left. */
  get isOver(): boolean {
    return this.#isOver
  }
  leave(): void {
    this.#isOver = true
  }

  /** Does what a line says; an empty one does again what the last one did. */
  async execute(line: string): Promise<void> {
    const text = line.trim() === '' ? this.#latest : line.trim()
    if (text === '') return
    this.#latest = text
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? []
    const found = findCommand(name)
    try {
      if (typeof found === 'string') throw new DoppelError('debug.command', found)
      await found.run(this, rest)
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      this.write(`${error.message}\n`)
    }
  }

  /** Lets the program run, and shows where it has come to. */
  async run(how: SourceRun): Promise<void> {
    await this.#until(() => this.target.run(how, this.thread))
  }
  /** Takes the program back, and shows where it has come to. */
  async goBack(how: SourceReturn): Promise<void> {
    const { goBack } = this.target
    if (!goBack) {
      throw new DoppelError('debug.past', 'its past is not kept: only a deterministic run can be gone back in')
    }
    await this.#until(() => goBack(how, this.thread))
  }
  async #until(go: () => Promise<SourceStop | SourceEnd>): Promise<void> {
    if (this.end) throw new DoppelError('debug.ended', 'the program has ended')
    const before = this.target.frames(this.thread)[0]
    const stop = await go()
    this.frame = 0
    if (stop.reason === 'ended') {
      this.end = stop
      this.leave()
      this.write(`the program has ended${stop.exitCode === 0 ? '' : ` with status ${stop.exitCode}`}\n`)
      return
    }
    this.thread = stop.thread ?? 0
    this.#showStop(stop, before)
  }
  #showStop(stop: SourceStop, before: SourceFrame | undefined): void {
    if (stop.text !== undefined) this.write(stop.reason === 'problem' ? `error: ${stop.text}\n` : `${stop.text}\n`)
    const here = this.target.frames(this.thread)[0]
    if (here && (stop.reason !== 'step' || here.name !== before?.name)) this.write(`${placeText(here)}\n`)
    this.showLine()
    for (const expression of this.displays) this.show(expression)
  }

  /** Shows an expression and its value. */
  show(expression: string): void {
    try {
      this.write(`${expression} = ${this.target.evaluate(this.frame, expression, this.thread).text}\n`)
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      this.write(`${expression}: ${error.message}\n`)
    }
  }
  /** Shows where the program stands. */
  showPlace(): void {
    const here = this.target.frames(this.thread)[0]
    if (here) this.write(`${placeText(here)}\n`)
    this.showLine()
  }
  /** Shows the source line of the frame that is looked at. */
  showLine(): void {
    const frame = this.target.frames(this.thread)[this.frame]
    if (!frame || frame.line === 0) return
    const text = this.source(frame.file)?.[frame.line - 1]
    this.write(`${String(frame.line).padStart(5)}  ${text ?? ''}\n`)
    this.#listedTo = Math.max(0, frame.line - LISTED_LINES / 2 - 1)
  }
  /** Shows lines of a file from one on, or those after what was shown last. */
  list(from: number | undefined): void {
    const frame = this.target.frames(this.thread)[this.frame]
    const file = frame?.file || (this.target.files[0] ?? '')
    const lines = this.source(file)
    if (!lines) throw new DoppelError('debug.source', `the text of ${file} cannot be read`)
    const first = from ?? this.#listedTo + 1
    if (first > lines.length) throw new DoppelError('debug.source', `${file} has ${lines.length} lines`)
    const last = Math.min(lines.length, first + LISTED_LINES - 1)
    for (let line = first; line <= last; line++) {
      const mark = frame?.line === line ? '>' : ' '
      this.write(`${mark}${String(line).padStart(4)}  ${lines[line - 1]}\n`)
    }
    this.#listedTo = last
  }
  /** The lines of a file; undefined where it cannot be read. */
  source(file: string): readonly string[] | undefined {
    if (!this.#sources.has(file)) {
      const lines = this.#readSource(file)?.split(/\r?\n/)
      if (lines?.at(-1) === '') lines.pop()
      this.#sources.set(file, lines)
    }
    return this.#sources.get(file)
  }

  /** Adds a breakpoint; says where it is. One that stops nothing is not kept. */
  add(wanted: Omit<AskedBreakpoint, 'number'>): PlacedBreakpoint {
    const others = this.breakpoints.filter(({ file }) => file === wanted.file)
    const placed = this.target.setBreakpoints(wanted.file, [...others, wanted]).at(-1) ?? { line: undefined }
    if (placed.line === undefined) this.place(this.breakpoints)
    else this.breakpoints = [...this.breakpoints, { ...wanted, line: placed.line, number: ++this.#numbers }]
    return placed
  }
  /** Gives the program these breakpoints in place of those that it has. */
  place(breakpoints: readonly AskedBreakpoint[]): void {
    for (const file of new Set([...breakpoints, ...this.breakpoints].map(b => b.file))) {
      this.target.setBreakpoints(
        file,
        breakpoints.filter(b => b.file === file),
      )
    }
    this.breakpoints = breakpoints
  }
}

/** A place as people read it. */
export function placeText({ name, file, line }: SourceFrame): string {
  return line === 0 ? name : `${name} at ${file}:${line}`
}
