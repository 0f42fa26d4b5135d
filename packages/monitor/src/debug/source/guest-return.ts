import { type DebugStop, type DwarfEntry, type SourceReturn, type SourceStop, spansOf } from '@doppel/base'
import type { Travel } from '../../travel/time-travel.ts'
import type { CodeIndex } from './code-index.ts'
import type { SteppedGuest } from './guest-stepper.ts'
import { readNumber } from './machine-code.ts'
import type { MachineFrame } from './machine-frames.ts'
import type { WatchedData } from './watched-data.ts'

/** Goes back in a guest's run, by its source. */
export class GuestReturn {
  readonly #on: SteppedGuest
  readonly #travel: Travel
  readonly #watched: WatchedData

  constructor(on: SteppedGuest, travel: Travel, watched: WatchedData) {
    this.#on = on
    this.#travel = travel
    this.#watched = watched
  }
  /** Throws `travel.diverged`. */
  async run(how: SourceReturn, thread: number): Promise<SourceStop> {
    if (how === 'continue') return await this.#continue(thread)
    if (how === 'over') return await this.#line(thread)
    const landing = await this.#travel.stepBack(thread)
    return landing.isStart ? atStart(landing.thread) : { reason: 'step', thread: landing.thread }
  }

  async #continue(thread: number): Promise<SourceStop> {
    const { target, code, run } = this.#on
    for (let from = thread; ; ) {
      const landing = await this.#travel.continueBack(from, stop => this.#isWanted(stop))
      if (landing.isStart) return atStart(landing.thread)
      if (run.isPauseAsked) return { reason: 'pause', thread: landing.thread }
      from = landing.thread
      if (!landing.watched) {
        const pc = readNumber(target, from, code.programCounter) ?? 0n
        return this.#on.breakpoints.isPlaced(pc)
          ? { reason: 'breakpoint', thread: from }
          : { reason: 'pause', thread: from }
      }
      // It has been brought behind the access; where it was made is what is looked for.
      const watched = this.#watched.at(landing.watched.address)
      const after = this.#watched.read(from, watched)
      await this.#travel.stepBack(from)
      const text = this.#watched.changed(watched, this.#watched.read(from, watched), after)
      if (text !== undefined) return { reason: 'data', text, thread: from }
    }
  }
  /** Of what is come by, breakpoints whose conditions do not hold are passed. */
  #isWanted({ thread, watched }: DebugStop): boolean {
    if (watched) return true
    const pc = readNumber(this.#on.target, thread, this.#on.code.programCounter) ?? 0n
    return this.#on.isHit(thread, pc, { isBack: true })
  }

  /** To where the line before began, in the same frame or in its caller's. */
  async #line(thread: number): Promise<SourceStop> {
    const { breakpoints, target, code, index } = this.#on
    const frame = this.#on.frameOf(thread)
    const frames = [frame, ...(frame.caller ? [frame.caller] : [])]
    const starts = frames.map(each => lineStarts(index, each))
    breakpoints.ofStep = [...new Set(starts.flat())]
    try {
      const landing = await this.#travel.continueBack(thread, stop => {
        if (stop.thread !== thread || stop.watched) return false
        const pc = readNumber(target, thread, code.programCounter) ?? 0n
        const at = starts.findIndex(list => list.includes(pc))
        if (at < 0) return false
        const { cfa } = this.#on.frameOf(thread)
        return frames.some((each, i) => starts[i]?.includes(pc) === true && each.cfa === cfa)
      })
      return landing.isStart ? atStart(thread) : { reason: 'step', thread }
    } finally {
      breakpoints.ofStep = []
    }
  }
}

function atStart(thread: number): SourceStop {
  return { reason: 'entry', text: 'this is the beginning of what is known', thread }
}

/** Where lines begin in a frame's function: of a line's rows that follow one another, the first. */
function lineStarts(index: CodeIndex, frame: MachineFrame): readonly bigint[] {
  const own: DwarfEntry | undefined = frame.functions[0]?.entry
  const rows = own ? (index.linesOf(own.unit)?.rows ?? []) : []
  const spans = own ? spansOf(own) : []
  const inside = rows.filter(row => spans.some(({ start, end }) => row.start >= start && row.start < end))
  return inside
    .filter((row, i) => {
      const before = inside[i - 1]
      const isSame = before?.end === row.start && before.line === row.line && before.file === row.file
      return row.isStatement && row.line > 0 && !isSame
    })
    .map(({ start }) => start)
}
