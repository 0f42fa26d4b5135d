import { assert, DoppelError, type GuestMemory, type IrqLine, type Saved } from '@doppel/base'
import type { MmioWidth } from '../bus.ts'
import type { Chain } from './chain.ts'
import type { PacedWork, QueueService, VirtioDevice, VirtioHost, VirtioParts } from './device.ts'
import { type QueueState, type RingFeatures, Virtqueue } from './queue.ts'

/** Device status bits, Virtio 1.2 §2.1. */
const STATUS_DRIVER_OK = 4
const STATUS_FEATURES_OK = 8
const STATUS_NEEDS_RESET = 64

/** Reserved feature bits, Virtio 1.2 §6. */
const F_INDIRECT_DESC = 1n << 28n
const F_EVENT_IDX = 1n << 29n
const F_VERSION_1 = 1n << 32n

/** Interrupt reasons, as both transports show them. */
const ISR_QUEUE = 1
const ISR_CONFIG = 2

const DEFAULT_QUEUE_SIZE = 256

/** A device as a snapshot has it, but for its transport: version 1. */
export interface CoreState {
  readonly accepted: bigint
  readonly status: number
  readonly isr: number
  readonly generation: number
  readonly queues: readonly QueueState[]
  /** What the device itself saved. */
  readonly device: Saved
}

/** A device's life as seen by its driver, whatever the transport: status, features, queues, interrupts. */
export class VirtioCore {
  readonly device: VirtioDevice
  readonly queues: readonly Virtqueue[]
  readonly #services: readonly QueueService[]
  readonly #parts: VirtioParts
  readonly #offered: bigint
  readonly #line: IrqLine
  #accepted = 0n
  #status = 0
  #isr = 0
  #generation = 0
  /** Why the device needs a reset; for reports. */
  #fault: string | undefined

  constructor(device: VirtioDevice, memory: GuestMemory, line: IrqLine, paced?: PacedWork) {
    this.device = device
    this.#line = paced?.faults?.wire(line) ?? line
    const names: string[] = []
    const host: VirtioHost = {
      negotiated: feature => (this.#accepted & feature) === feature,
      take: name => this.#take(names.indexOf(name)),
      revive: (name, saved) => this.#queue(names.indexOf(name)).revive(saved),
      paced,
      configChanged: () => this.#configChanged(),
    }
    this.#parts = device.plug(host)
    names.push(...Object.keys(this.#parts.queues))
    this.#services = Object.values(this.#parts.queues)
    const size = this.#parts.queueSize ?? DEFAULT_QUEUE_SIZE
    const broken = (reason: string): void => this.#break(reason)
    const used = (): void => this.#raise(ISR_QUEUE)
    this.queues = names.map(() => new Virtqueue(memory, size, { used, broken }))
    this.#offered = (this.#parts.features ?? 0n) | F_VERSION_1 | F_INDIRECT_DESC | F_EVENT_IDX
  }

  /** The offered features' 32-bit word; there are two, further ones are zero. */
  offered(word: number): number {
    return word < 2 ? Number(BigInt.asUintN(32, this.#offered >> BigInt(word * 32))) : 0
  }

  accepted(word: number): number {
    return word < 2 ? Number(BigInt.asUintN(32, this.#accepted >> BigInt(word * 32))) : 0
  }

  accept(word: number, bits: number): void {
    if (word >= 2 || this.#status & STATUS_FEATURES_OK) return
    const shift = BigInt(word * 32)
    this.#accepted = (this.#accepted & ~(0xffff_ffffn << shift)) | (BigInt(bits >>> 0) << shift)
  }

  get status(): number {
    return this.#status
  }

  get fault(): string | undefined {
    return this.#fault
  }

  /** Follows the driver through initialization (§3.1.1); zero resets. */
  setStatus(value: number): void {
    if (value === 0) return this.#reset()
    let next = (value & 0xff & ~STATUS_NEEDS_RESET) | (this.#status & STATUS_NEEDS_RESET)
    // §6.1: a driver must accept VERSION_1. Small ones (xv6's) never look at that word, and are served where it makes no difference.
    const isModern = (this.#accepted & F_VERSION_1) !== 0n || !this.#parts.needsVersion1
    const known = (this.#accepted & ~this.#offered) === 0n && isModern
    // §2.2.2: refusing is leaving FEATURES_OK unset; the driver reads it back.
    if (!(this.#status & STATUS_FEATURES_OK) && !known) next &= ~STATUS_FEATURES_OK
    const starts = (next & ~this.#status & STATUS_DRIVER_OK) !== 0
    this.#status = next
    if (starts) this.#parts.started?.()
  }

  enable(index: number): void {
    if (!(this.#status & STATUS_FEATURES_OK)) return
    this.queues[index]?.enable(this.#ringFeatures())
  }

  /** The driver has made buffers available. */
  notify(index: number): void {
    const service = this.#services[index]
    if (!service || !this.#isUp()) return
    if (typeof service === 'function') this.#serve(index, service)
    else service.posted()
  }

  /** Reads configuration space; past its end it is zero. */
  readConfig(offset: number, width: MmioWidth): number {
    const bytes = this.#parts.config?.()
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes?.[offset + i] ?? 0)
    return value
  }

  /** Passes on what the driver writes to configuration space, where the device lets it. */
  writeConfig(offset: number, width: MmioWidth, value: number): void {
    this.#parts.writeConfig?.(offset, width, value)
  }

  get configLengthBytes(): number {
    return this.#parts.config?.().length ?? 0
  }

  get configGeneration(): number {
    return this.#generation & 0xff
  }

  get isr(): number {
    return this.#isr
  }

  /** Clears interrupt reasons; the line falls with the last one. */
  acknowledge(reasons: number): void {
    this.#isr &= ~reasons
    this.#line.set(this.#isr !== 0)
  }

  /** Chains that the host has yet to give back, after asking for those that only wait. */
  pending(): number {
    this.#parts.quiesce?.()
    return this.queues.reduce((sum, queue) => sum + queue.inFlight, 0) - (this.#parts.kept?.() ?? 0)
  }
  /** Throws `snapshot.device` for a device that keeps something and cannot save it. */
  save(): CoreState {
    if (this.#parts.unsaved !== undefined) {
      throw new DoppelError('snapshot.device', `virtio-${this.device.name} cannot be saved: ${this.#parts.unsaved}`)
    }
    return {
      accepted: this.#accepted,
      status: this.#status,
      isr: this.#isr,
      generation: this.#generation,
      queues: this.queues.map(queue => queue.save()),
      device: this.#parts.save?.(),
    }
  }
  restore(state: CoreState): void {
    this.#accepted = state.accepted
    this.#status = state.status
    this.#isr = state.isr
    this.#generation = state.generation
    for (const [i, queue] of this.queues.entries()) {
      const saved = state.queues[i]
      if (saved) queue.restore(saved, this.#ringFeatures())
    }
    this.#parts.restore?.(state.device)
    this.#line.set(this.#isr !== 0)
  }
  #ringFeatures(): RingFeatures {
    return {
      indirect: (this.#accepted & F_INDIRECT_DESC) !== 0n,
      eventIndex: (this.#accepted & F_EVENT_IDX) !== 0n,
    }
  }

  #isUp(): boolean {
    return (this.#status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) === STATUS_DRIVER_OK
  }

  #take(index: number): Chain | undefined {
    return this.#isUp() ? this.#queue(index).take() : undefined
  }
  #queue(index: number): Virtqueue {
    const queue = this.queues[index]
    assert(queue !== undefined, `${this.device.name} has no such queue`)
    return queue
  }

  /** Serves what was there at the notification; a guest that adds as fast as we serve gets the rest a turn later. */
  #serve(index: number, service: (chain: Chain) => void): void {
    for (let budget = this.queues[index]?.size ?? 0; budget > 0; budget--) {
      const chain = this.#take(index)
      if (!chain) return
      service(chain)
    }
    void Promise.resolve().then(() => this.#serve(index, service))
  }

  #configChanged(): void {
    this.#generation++
    if (this.#status & STATUS_DRIVER_OK) this.#raise(ISR_CONFIG)
  }

  #raise(reason: number): void {
    this.#isr |= reason
    this.#line.set(true)
  }

  /** §2.1.2: a device that cannot go on says so in its status and interrupts a running driver. */
  #break(reason: string): void {
    this.#fault ??= reason
    this.#status |= STATUS_NEEDS_RESET
    if (this.#status & STATUS_DRIVER_OK) this.#raise(ISR_CONFIG)
  }

  #reset(): void {
    this.#status = 0
    this.#accepted = 0n
    this.#fault = undefined
    for (const queue of this.queues) queue.reset()
    this.acknowledge(ISR_QUEUE | ISR_CONFIG)
    this.#parts.reset?.()
  }
}
