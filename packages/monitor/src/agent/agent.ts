import { type ChannelPort, DoppelError, type EntropySource } from '@doppel/base'
import { Channel } from './channel.ts'
import { GuestProcess, type ProcessChannels, type ProcessOutput, type RunningCommand, type Worker } from './running.ts'
import { type AgentEvent, agentLine, AgentReader, helloCode, workerCode } from './shell-code.ts'
import { withTimeout } from './timeout.ts'

/** The control channel's name: whoever finds it in the guest runs a shell on it. */
export const AGENT_CHANNEL = 'doppel.agent'
/** Commands at a time, and the three channels of each. */
const MAX_COMMANDS = 16
const DATA_CHANNELS = 3 * MAX_COMMANDS
/** A ready-made worker follows a used one this much later, so as not to slow the command down. */
const SPARE_DELAY_MS = 20
const NONCE_BYTES = 12
const DEFAULT_START_TIMEOUT_MS = 30_000

/** What to start in the guest. */
export interface StartRequest extends ProcessOutput {
  /** Shell code. */
  readonly code: string
  readonly cwd?: string | undefined
  readonly user?: string | undefined
  /** Whether `sendStdin` will be used; otherwise the command's input is empty. */
  readonly stdin?: boolean | undefined
  /** How long the guest may take to start it. */
  readonly startTimeoutMs?: number | undefined
}

/** A shell in the guest as a snapshot has it. Channels by their number, from 0. */
interface WorkerState {
  readonly id: number
  readonly pid: number
  readonly group: number
  readonly channels: readonly number[]
}

/** An agent as a snapshot has it: version 1. */
export interface AgentState {
  readonly nonce: string
  readonly nextId: number
  readonly spawning: readonly { readonly id: number; readonly channels: readonly number[] }[]
  readonly idle: readonly WorkerState[]
  /** Commands that run; absent in what older doppels saved. */
  readonly running?: readonly WorkerState[]
}

/** Starts commands in a guest, wherever its machine runs. */
export interface CommandStarter {
  /** Resolves when a shell has been told to run it. Rejects with `commands.*`, `agent.*`. */
  start(request: StartRequest): Promise<RunningCommand>
}

/** The host's half of the guest agent: runs commands in a guest over named channels. */
export class GuestAgent implements CommandStarter {
  readonly #entropy: EntropySource
  readonly #control = new Channel(AGENT_CHANNEL)
  readonly #data: readonly Channel[]
  readonly #free: Channel[]
  readonly #processes = new Map<number, { readonly running: GuestProcess; readonly channels: ProcessChannels }>()
  /** Workers asked for, and workers that wait. */
  readonly #spawning = new Map<number, ProcessChannels>()
  #idle: Worker[] = []
  /** Who waits for a worker, first come first served. */
  #wanting: PromiseWithResolvers<Worker>[] = []
  #reader = new AgentReader()
  #nonce = ''
  #ready = Promise.withResolvers<void>()
  #nextId = 1
  #isRestored: boolean
  #gone: DoppelError | undefined

  /** With `restored`, the guest's half is there already; `takeOver` then says how it stood. */
  constructor({ entropy, restored = false }: { readonly entropy: EntropySource; readonly restored?: boolean }) {
    this.#entropy = entropy
    this.#isRestored = restored
    this.#data = Array.from({ length: DATA_CHANNELS }, (_, i) => new Channel(`doppel.${i + 1}`))
    this.#free = [...this.#data]
    this.#ready.promise.catch(() => undefined)
    this.#control.listen({
      data: bytes => {
        for (const event of this.#reader.feed(bytes)) this.#hear(event)
      },
      open: isOpen => (isOpen ? this.#greet() : this.#lost()),
      drained: () => undefined,
    })
  }

  /** The channels, for the machine's device. */
  get ports(): readonly ChannelPort[] {
    return [this.#control, ...this.#data]
  }

  /** Resolves when the guest's half answers. Throws `agent.timeout`, or why it never will. */
  async ready(timeoutMs: number): Promise<void> {
    await withTimeout(
      this.#ready.promise,
      timeoutMs,
      () =>
        new DoppelError(
          'agent.timeout',
          `no agent has answered in the guest within ${timeoutMs} ms; does it run one?`,
          {
            timeoutMs,
          },
        ),
    )
  }

  /** Starts a command; resolves when a shell has been told to run it. Throws `commands.*`, `agent.*`. */
  async start(request: StartRequest): Promise<GuestProcess> {
    const timeoutMs = request.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS
    await this.ready(timeoutMs)
    // An agent that was ready stays so until its half closes; a machine may end without that.
    if (this.#gone) throw this.#gone
    const worker = this.#idle.shift() ?? (await this.#nextWorker(timeoutMs))
    const running = new GuestProcess(worker, request.stdin === true, request, this.#signal)
    this.#processes.set(worker.id, { running, channels: worker.channels })
    running.begin(new TextEncoder().encode(`${workerCode(worker.id, request)}\n${this.#nonce}\n`))
    setTimeout(() => this.#wantSpare(), SPARE_DELAY_MS)
    return running
  }

  async #nextWorker(timeoutMs: number): Promise<Worker> {
    if (this.#spawning.size <= this.#wanting.length) this.#spawn()
    const wanted = Promise.withResolvers<Worker>()
    this.#wanting.push(wanted)
    try {
      return await withTimeout(
        wanted.promise,
        timeoutMs,
        () => new DoppelError('agent.timeout', `the guest has started no shell within ${timeoutMs} ms`, { timeoutMs }),
      )
    } catch (error) {
      this.#wanting = this.#wanting.filter(want => want !== wanted)
      throw error
    }
  }

  /** Throws `commands.too-many` when all channels are in use. */
  #spawn(): void {
    const [stdin, stdout, stderr] = this.#free.splice(0, 3)
    if (!stdin || !stdout || !stderr) {
      throw new DoppelError('commands.too-many', `the guest runs ${MAX_COMMANDS} commands already; wait for one to end`)
    }
    const id = this.#nextId++
    this.#spawning.set(id, { stdin, stdout, stderr })
    const numbers = [stdin, stdout, stderr].map(channel => this.#data.indexOf(channel) + 1)
    this.#send(agentLine(['spawn', id, ...numbers]))
  }
  #wantSpare(): void {
    const isNeeded = this.#nonce !== '' && this.#idle.length + this.#spawning.size === 0
    if (isNeeded && !this.#gone && this.#free.length >= 3) this.#spawn()
  }

  /** Sets the guest's clock, whole seconds since 1970; after a restore it shows when the snapshot was taken. */
  setClock(seconds: number): void {
    this.#send(`date -u -s @${Math.round(seconds)}\n`)
  }

  /**
   * Makes the guest another machine than the one it was cloned from: a machine-id where it has one (machine-id(5): 32
   * hexadecimal digits), and its card's address.
   */
  setIdentity({ machineId, mac }: { readonly machineId: string; readonly mac: string | undefined }): void {
    const card =
      mac === undefined
        ? ''
        : // Whoever knows the old address is told of the new one.
          'echo 1 >/proc/sys/net/ipv4/conf/all/arp_notify;' +
          `for i in /sys/class/net/e*; do ip link set dev "\${i##*/}" address ${mac} || ` +
          `/run/doppel/busybox ip link set dev "\${i##*/}" address ${mac}; done;`
    this.#send(`( [ -s /etc/machine-id ] && echo ${machineId} >/etc/machine-id; ${card} ) >/dev/null 2>&1 &\n`)
  }

  /** What a clone of this machine needs to go on speaking with its guest's half. */
  save(): AgentState {
    const numbers = ({ stdin, stdout, stderr }: ProcessChannels): number[] =>
      [stdin, stdout, stderr].map(channel => this.#data.indexOf(channel))
    return {
      nonce: this.#nonce,
      nextId: this.#nextId,
      spawning: [...this.#spawning].map(([id, channels]) => ({ id, channels: numbers(channels) })),
      idle: this.#idle.map(({ id, pid, group, channels }) => ({ id, pid, group, channels: numbers(channels) })),
      running: [...this.#processes].map(([id, { running, channels }]) => {
        return { id, pid: running.pid, group: running.group, channels: numbers(channels) }
      }),
    }
  }
  /**
   * Goes on where another machine's agent stood, once the device has been restored. Commands that ran there run on here
   * with nobody listening, but for the one of number `adopted`, which is returned; its output is held.
   */
  takeOver(state: AgentState, adopted?: number, output: ProcessOutput = {}): GuestProcess | undefined {
    const channelsOf = (numbers: readonly number[]): ProcessChannels => {
      const [stdin, stdout, stderr] = numbers.map(number => this.#data[number])
      if (!stdin || !stdout || !stderr) throw new DoppelError('snapshot.format', 'the agent has no such channel')
      return { stdin, stdout, stderr }
    }
    this.#isRestored = false
    this.#nonce = state.nonce
    this.#nextId = state.nextId
    for (const { id, channels } of state.spawning) this.#spawning.set(id, channelsOf(channels))
    this.#idle = state.idle.map(worker => ({ ...worker, channels: channelsOf(worker.channels) }))
    const worker = state.running?.find(({ id }) => id === adopted)
    const kept = new Set([...state.spawning, ...state.idle, ...(worker ? [worker] : [])].flatMap(each => each.channels))
    this.#free.length = 0
    this.#release(this.#data.filter((_, number) => !kept.has(number)))
    if (this.#control.isGuestOpen) this.#ready.resolve()
    if (!worker) return undefined
    const channels = channelsOf(worker.channels)
    const running = new GuestProcess({ ...worker, channels }, false, output, this.#signal)
    this.#processes.set(worker.id, { running, channels })
    running.holdOutput(true)
    return running
  }
  readonly #signal = (group: number, name: string): void => this.#send(agentLine(['signal', group, name]))

  /** The machine has ended: fails everything under way and to come. */
  close(reason: DoppelError): void {
    this.#gone = reason
    this.#ready.reject(reason)
    this.#failAll(reason)
  }

  #send(line: string): void {
    const bytes = new TextEncoder().encode(line)
    const sent = this.#control.send(bytes)
    if (sent < bytes.length) {
      this.close(new DoppelError('agent.stuck', 'the guest agent takes no more orders; is the guest overloaded?'))
    }
  }

  #greet(): void {
    if (this.#isRestored) return
    const bytes = new Uint8Array(NONCE_BYTES)
    this.#entropy.fill(bytes)
    this.#forgetWorkers()
    this.#nonce = [...bytes].map(byte => (byte % 36).toString(36)).join('')
    this.#reader = new AgentReader()
    this.#send(helloCode(this.#nonce))
  }
  #lost(): void {
    if (this.#gone) return
    // Whoever waits for readiness goes on waiting: another agent may come.
    if (this.#nonce !== '') this.#ready = Promise.withResolvers<void>()
    this.#ready.promise.catch(() => undefined)
    this.#forgetWorkers()
    this.#nonce = ''
    this.#failAll(new DoppelError('agent.lost', "the guest's agent has ended; was the guest restarted?"))
  }
  #failAll(reason: DoppelError): void {
    for (const { running, channels } of this.#processes.values()) {
      running.didFail(reason)
      this.#giveBack(channels)
    }
    this.#processes.clear()
    for (const wanted of this.#wanting.splice(0)) wanted.reject(reason)
  }
  #forgetWorkers(): void {
    for (const channels of this.#spawning.values()) this.#giveBack(channels)
    for (const { channels } of this.#idle) this.#giveBack(channels)
    this.#spawning.clear()
    this.#idle = []
  }

  #hear(event: AgentEvent): void {
    if (event.type === 'hello') {
      if (event.nonce !== this.#nonce) return
      this.#ready.resolve()
      this.#wantSpare()
    } else if (event.type === 'idle') this.#didSpawn(event)
    else if (event.type === 'fail') this.#processes.get(event.id)?.running.didFail(startFailure(event.reason), false)
    else this.#didExit(event.id, event.status)
  }
  #didSpawn({ id, pid, group }: { readonly id: number; readonly pid: number; readonly group: number }): void {
    const channels = this.#spawning.get(id)
    if (!channels) return
    this.#spawning.delete(id)
    const worker = { id, pid, group, channels }
    const wanted = this.#wanting.shift()
    if (wanted) wanted.resolve(worker)
    else this.#idle.push(worker)
  }
  #didExit(id: number, status: number): void {
    const known = this.#processes.get(id)
    const waiting = this.#idle.find(worker => worker.id === id)
    const channels = known?.channels ?? waiting?.channels ?? this.#spawning.get(id)
    if (!channels) return
    this.#send(agentLine(['reap', id]))
    this.#spawning.delete(id)
    this.#processes.delete(id)
    this.#idle = this.#idle.filter(worker => worker !== waiting)
    const giveBack = (): void => this.#giveBack(channels)
    if (!known) return giveBack()
    known.running.didEnd(status)
    known.running.wait().then(giveBack, giveBack)
    this.#wantSpare()
  }

  /** A channel that something in the guest still holds open comes back when that ends. */
  #giveBack({ stdin, stdout, stderr }: ProcessChannels): void {
    this.#release([stdin, stdout, stderr])
  }
  #release(channels: readonly Channel[]): void {
    for (const channel of channels) {
      const back = (): void => {
        channel.listen(undefined)
        // Opened long before its next use, so that the guest has heard of it by then.
        channel.setOpen(true)
        this.#free.push(channel)
      }
      if (!channel.isGuestOpen) {
        back()
        continue
      }
      const ignore = (): void => undefined
      channel.listen({ data: ignore, open: isOpen => (isOpen ? undefined : back()), drained: ignore })
    }
  }
}

function startFailure(reason: string): DoppelError {
  if (reason === 'folder') {
    return new DoppelError('commands.cwd', "the command's folder does not exist in the guest, or cannot be entered")
  }
  if (reason === 'user') return new DoppelError('commands.user', 'the guest has no such user')
  return new DoppelError('agent.start', 'the guest could not start the command')
}
