import { DoppelError, type MachineBody } from '@doppel/base'

/**
 * Where a machine is in its life. `created`: built, nothing runs. `running` and `paused` alternate. `ended`: nothing runs
 * and nothing of the host's is held any more; there is no way back.
 */
export type MachineState = 'created' | 'running' | 'paused' | 'ended'

/** Every machine's life cycle, the same for all kinds. Each step is refused, with what it needs, where it makes no sense. */
export class MachineLife<End> {
  readonly #body: MachineBody<End>
  readonly #onState: (state: MachineState) => void
  readonly #ended = Promise.withResolvers<End>()
  #state: MachineState = 'created'
  /** Steps follow one another: pausing takes until the slices under way have ended. */
  #last: Promise<unknown> = Promise.resolve()
  /** Those who look at it while it stands still, and whether it goes on when the last of them has. */
  #looks = 0
  #goesOn = false

  constructor(body: MachineBody<End>, onState: (state: MachineState) => void = () => undefined) {
    this.#body = body
    this.#onState = onState
    this.#ended.promise.catch(() => undefined)
  }

  get state(): MachineState {
    return this.#state
  }

  /** Begins to run. Throws `machine.state` unless just created. */
  start(): void {
    if (this.#state !== 'created') throw this.#wrong('start', 'a machine that was just created')
    this.#set('running')
    this.#run()
  }
  #run(): void {
    this.#body.run().then(
      end => this.#finish(() => this.#ended.resolve(end)),
      (error: unknown) => this.#finish(() => this.#ended.reject(error)),
    )
  }

  /** Begins without running an instruction: as `start` and `pause` at once. Throws `machine.state`. */
  async startPaused(): Promise<void> {
    await this.#step(async () => {
      if (this.#state !== 'created') throw this.#wrong('start', 'a machine that was just created')
      // Nothing runs yet, so it is held before it begins.
      await this.#body.pause()
      this.#set('paused')
      this.#run()
    })
  }

  /** Resolves when the machine has ended and what it held is given back. */
  async wait(): Promise<End> {
    return await this.#ended.promise
  }

  /** Resolves when nothing of the guest's runs. Throws `machine.state` for one that has ended. */
  async pause(): Promise<void> {
    await this.#step(async () => {
      this.#goesOn = false
      if (this.#state !== 'paused') await this.#pause()
    })
  }
  async #pause(): Promise<void> {
    if (this.#state !== 'running') throw this.#wrong('pause', 'a running machine')
    await this.#body.pause()
    if (this.#isEnded()) throw this.#wrong('pause', 'a running machine')
    this.#set('paused')
  }

  /**
   * Goes on after a pause; one that is looked at goes on when nobody looks any more. Throws `machine.state` for one that
   * has ended.
   */
  async resume(): Promise<void> {
    await this.#step(() => {
      if (this.#state === 'running') return
      if (this.#state !== 'paused') throw this.#wrong('resume', 'a paused machine')
      if (this.#looks > 0) this.#goesOn = true
      else this.#go()
    })
  }
  #go(): void {
    this.#goesOn = false
    this.#set('running')
    this.#body.resume()
  }

  /** Does something while the guest stands still, which others may at the same time; it then goes on if it ran before. */
  async whilePaused<T>(act: () => Promise<T>): Promise<T> {
    await this.#step(async () => {
      if (this.#state === 'running') {
        await this.#pause()
        this.#goesOn = true
      }
      if (this.#state !== 'paused') throw this.#wrong('hold', 'a running or paused machine')
      this.#looks++
    })
    try {
      return await act()
    } finally {
      this.#looks--
      await this.#step(() => {
        if (this.#looks === 0 && this.#goesOn && this.#state === 'paused') this.#go()
      })
    }
  }

  /** Ends the machine at once, as pulling its plug does; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#state === 'created') {
      await this.#finish(() =>
        this.#ended.reject(new DoppelError('machine.state', 'the machine was ended before it was started')),
      )
      return
    }
    this.#body.stop()
    await this.#ended.promise.then(
      () => undefined,
      () => undefined,
    )
  }

  #isEnded(): boolean {
    return this.#state === 'ended'
  }
  async #step(act: () => void | Promise<void>): Promise<void> {
    const mine = this.#last.then(act)
    this.#last = mine.catch(() => undefined)
    await mine
  }
  async #finish(tell: () => void): Promise<void> {
    if (this.#state === 'ended') return
    this.#set('ended')
    try {
      await this.#body.close()
      tell()
    } catch (error) {
      this.#ended.reject(error)
    }
  }
  #set(state: MachineState): void {
    this.#state = state
    this.#onState(state)
  }
  #wrong(what: string, expected: string): DoppelError {
    return new DoppelError(
      'machine.state',
      `cannot ${what} this machine, which is ${this.#state}; expected ${expected}`,
      {
        state: this.#state,
      },
    )
  }
}
