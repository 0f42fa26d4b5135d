import {
  DoppelError,
  type GuestMemory,
  type HartThreads,
  type RiscvCpu as BoardCpu,
  type RiscvCpuConfig,
  type Saved,
} from '@doppel/base'
import type { EnginePlace, Sharing } from '@doppel/engine'
import { type CpuOptions, RiscvCpu } from '../cpu.ts'
import { handOver, takeOver } from '../saved.ts'
import type { FromHart, HartThread, ThreadStats, ToHart } from './messages.ts'
import { SharedClock } from './shared-clock.ts'
import { Ask, bellOf, CLOCK_AT, clockLimitAt, MAX_HART_THREADS, Tell, ThreadWords } from './thread-words.ts'
import { ThreadedHart } from './threaded-hart.ts'

/** How harts get threads. */
export interface ThreadOptions extends Pick<CpuOptions, 'translateAfter'> {
  /** Starts a thread that runs `serveHart`. */
  readonly startThread: () => HartThread
  /** How this host's processor orders what threads do to memory. */
  readonly sharing: Exclude<Sharing, 'alone'>
}

/** A write to a device may have set the time counter: by so many ticks it is no longer the clock that harts read. */
const CLOCK_STEP_TICKS = 100_000n

interface Thread {
  readonly hart: ThreadedHart
  readonly port: HartThread
  stats: ThreadStats | undefined
  /** Called with its next message. */
  heard: (message: FromHart) => void
}

/** A CPU whose harts run on threads of their own. At home, between runs, all of it is on the board's thread. */
export class ThreadedCpu implements BoardCpu, HartThreads {
  /** What the harts are at home; its engine has the memory. */
  readonly home: RiscvCpu
  readonly harts: readonly ThreadedHart[]
  readonly #config: RiscvCpuConfig
  readonly #options: ThreadOptions
  readonly #place: EnginePlace
  readonly #bell: Int32Array
  readonly #clock: SharedClock
  #ticksPerSecond = 0
  #threads: Thread[] = []
  #heardBell = 0
  #ringing: Promise<void> | undefined
  readonly #failed = Promise.withResolvers<never>()
  /** Firmware calls whose answers wait until other harts have fenced. */
  #unanswered: { readonly caller: ThreadedHart; readonly fencing: ThreadedHart[] }[] = []
  #fencing: ThreadedHart[] = []
  #translations: Uint8Array | undefined

  /** Throws `engine.memory` where the host has no memory that threads share, and `riscv.threads` for too many harts. */
  constructor(config: RiscvCpuConfig, options: ThreadOptions) {
    if (config.harts > MAX_HART_THREADS) {
      throw new DoppelError('riscv.threads', `${config.harts} harts; at most ${MAX_HART_THREADS} have threads`)
    }
    this.#config = config
    this.#options = options
    const { translateAfter, sharing } = options
    this.#place = { index: 0, count: config.harts + 1, sharing }
    this.home = new RiscvCpu(config, { place: this.#place, ...(translateAfter !== undefined && { translateAfter }) })
    const memory = this.home.engine.memory.buffer
    this.#bell = bellOf(memory)
    this.#clock = new SharedClock(
      memory,
      CLOCK_AT,
      this.home.harts.map(({ id }) => clockLimitAt(id)),
    )
    const onFence = (hart: ThreadedHart): void => void this.#fencing.push(hart)
    this.harts = this.home.harts.map(hart => new ThreadedHart(hart, new ThreadWords(memory, hart.id), onFence))
    // Whoever waits is told; nobody may.
    this.#failed.promise.catch(() => undefined)
  }

  get threads(): HartThreads {
    return this
  }
  get memory(): GuestMemory {
    return this.home.memory
  }
  touchedPages(): Iterable<readonly [page: number, bytes: Uint8Array]> {
    return this.home.touchedPages()
  }
  save(): Saved {
    return this.home.save()
  }
  restore(saved: Saved): void {
    this.home.restore(saved)
  }
  /** What the threads had done when they were last at home. */
  get threadStats(): readonly ThreadStats[] {
    return this.#threads.flatMap(({ stats }) => stats ?? [])
  }
  /** Gives the threads, which are yet to be made, the translations of earlier runs. */
  restoreTranslations(file: Uint8Array): void {
    this.#translations = file
  }
  /** The first hart's translations, for later runs; all harts are at home. */
  async saveTranslations(): Promise<Uint8Array | undefined> {
    const thread = this.#threads[0]
    if (!thread) return undefined
    const answer = await this.#exchange(thread, { kind: 'keep' })
    return answer.kind === 'translations' ? answer.file : undefined
  }
  /** Ends the threads. */
  close(): void {
    for (const { port } of this.#threads) port.terminate()
  }

  // Going and coming

  async depart(ticksPerSecond: number): Promise<void> {
    if (this.#threads.length === 0) await this.#makeThreads()
    this.#ticksPerSecond = ticksPerSecond
    this.#clock.set(this.#config.time(), ticksPerSecond)
    for (const { id } of this.harts) this.#clock.release(id)
    for (const { hart, port } of this.#threads) {
      const handover = handOver(hart.home)
      hart.leaves()
      port.hold(true)
      post(port, { kind: 'go', hart: handover })
    }
  }
  async #makeThreads(): Promise<void> {
    const { harts, ramBase, ramBytes, environmentCall, pageSource } = this.#config
    this.#threads = this.harts.map(hart => {
      const port = this.#options.startThread()
      const thread: Thread = { hart, port, stats: undefined, heard: () => undefined }
      port.onMessage(message => thread.heard(message as FromHart))
      port.onError(error => this.#failed.reject(error))
      return thread
    })
    const { memory } = this.home.engine
    await Promise.all(
      this.#threads.map(thread =>
        this.#exchange(thread, {
          kind: 'make',
          harts,
          ramBase,
          ramBytes,
          place: { ...this.#place, index: thread.hart.id + 1, hart: thread.hart.id, memory },
          translateAfter: this.#options.translateAfter,
          hasFirmware: environmentCall !== undefined,
          hasPageSource: pageSource !== undefined,
          translations: this.#translations,
        }),
      ),
    )
    this.#translations = undefined
  }
  #exchange(thread: Thread, message: ToHart): Promise<FromHart> {
    const { promise, resolve } = Promise.withResolvers<FromHart>()
    thread.heard = resolve
    post(thread.port, message)
    return Promise.race([promise, this.#failed.promise])
  }

  async gather(): Promise<void> {
    const coming = this.#threads.filter(({ hart }) => hart.isAway)
    const home = coming.map(async thread => {
      const { promise, resolve } = Promise.withResolvers<FromHart>()
      thread.heard = resolve
      thread.hart.words.tell(Tell.gather)
      const message = await promise
      if (message.kind !== 'home') return
      thread.stats = message.stats
      thread.hart.isAway = false
      thread.port.hold(false)
      takeOver(thread.hart.home, message.hart)
    })
    const all = Promise.all(home)
    while (coming.some(({ hart }) => hart.isAway)) {
      this.serve()
      await Promise.race([all, this.asked()])
    }
    this.serve()
  }

  // While they are away

  fruitless(hart: number): number {
    return this.#wordsOf(hart)?.word('fruitless') ?? 0
  }
  sleeps(hart: number): boolean {
    return this.#wordsOf(hart)?.word('asleep') === 1
  }
  #wordsOf(hart: number): ThreadWords | undefined {
    return this.harts[hart]?.words
  }

  asked(): Promise<void> {
    this.#ringing ??= this.#nextRing().finally(() => (this.#ringing = undefined))
    return this.#ringing
  }
  async #nextRing(): Promise<void> {
    const { async: isPending, value } = Atomics.waitAsync(this.#bell, 0, this.#heardBell)
    if (isPending) await Promise.race([value, this.#failed.promise])
  }

  serve(): void {
    this.#heardBell = Atomics.load(this.#bell, 0)
    for (const hart of this.harts) if (hart.words.word('ask') !== Ask.nothing) this.#answer(hart)
    if (this.#unanswered.length === 0) return
    const isDone = (hart: ThreadedHart): boolean => !hart.isAway || hart.words.isFenced
    const ready = this.#unanswered.filter(({ fencing }) => fencing.every(isDone))
    this.#unanswered = this.#unanswered.filter(call => !ready.includes(call))
    for (const { caller } of ready) caller.words.answer(true)
  }
  #answer(hart: ThreadedHart): void {
    const { words } = hart
    switch (words.word('ask')) {
      case Ask.read: {
        const value = this.#config.bus.read(Number(words.long('gpa')), words.word('bytes') as 1)
        words.setLong('value', value ?? 0n)
        return words.answer(value !== undefined)
      }
      case Ask.write: {
        const done = this.#config.bus.write(Number(words.long('gpa')), words.word('bytes') as 1, words.long('value'))
        this.#checkClock()
        return words.answer(done)
      }
      case Ask.frame:
        words.setLong('value', BigInt(this.home.engine.frames.frame(Number(words.long('gpa')))))
        return words.answer(true)
      case Ask.environmentCall:
        return this.#callFirmware(hart)
    }
  }
  #callFirmware(caller: ThreadedHart): void {
    if (this.#unanswered.some(call => call.caller === caller)) return
    this.#fencing = []
    caller.call(hart => this.#config.environmentCall?.(hart))
    if (this.#fencing.length === 0) caller.words.answer(true)
    else this.#unanswered.push({ caller, fencing: this.#fencing })
    this.#fencing = []
  }
  #checkClock(): void {
    const ahead = this.#config.time() - this.#clock.hostTicks()
    if (ahead > -CLOCK_STEP_TICKS && ahead < CLOCK_STEP_TICKS) return
    this.#clock.set(this.#config.time(), this.#ticksPerSecond)
    for (const { words } of this.harts) words.wake()
  }
}

function post(port: HartThread, message: ToHart): void {
  port.post(message)
}
