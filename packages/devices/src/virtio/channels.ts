import { type ChannelPort, DoppelError } from '@doppel/base'
import { ByteQueue } from '../byte-queue.ts'
import type { Chain } from './chain.ts'
import { defineVirtio, type QueueService, type VirtioDevice, type VirtioHost } from './device.ts'

/** Host input kept for each channel until the guest posts buffers for it. */
export const CHANNEL_INPUT_LIMIT_BYTES: number = 256 * 1024
/** Linux allocates two queues and their buffers for each. */
const MAX_CHANNELS = 64
/** Bytes moved at once. */
const MAX_PIECE_BYTES = 65_536
/** Bytes taken from one chain; drivers send far less, and a longer one would hold the host up. */
const MAX_CHAIN_BYTES = 1024 * 1024
/** Control messages kept for a driver that posts no buffers; a driver that reads none has no use for more. */
const MAX_CONTROL_MESSAGES = 1024

const F_MULTIPORT = 1n << 1n
// struct virtio_console_config, Virtio 1.2 §5.3.4.
const CONFIG_BYTES = 12
const CONFIG_PORTS = 4
// struct virtio_console_control and its events, §5.3.6.2.
const CONTROL_BYTES = 8
const Event = { deviceReady: 0, deviceAdd: 1, portReady: 3, portOpen: 6, portName: 7 } as const

/**
 * A virtio console device with many ports, none of which is a terminal: byte channels with names that open and close
 * at both ends. Virtio 1.2 §5.3. Throws `channels.count`.
 */
export const virtioChannels: (options: { readonly ports: readonly ChannelPort[] }) => VirtioDevice = defineVirtio({
  id: 3,
  name: 'channels',
  pciClass: 0x07_8000,
  create: ({ ports }: { readonly ports: readonly ChannelPort[] }, host) => {
    if (ports.length < 1 || ports.length > MAX_CHANNELS) {
      throw new DoppelError('channels.count', `${ports.length} channels; a device has 1 to ${MAX_CHANNELS}`)
    }
    const control = new ControlQueue(host)
    const channels = ports.map((port, id) => new Channel(port, id, host, control))
    const config = new Uint8Array(CONFIG_BYTES)
    config[CONFIG_PORTS] = ports.length
    const receive = (channel: Channel): QueueService => ({ posted: () => channel.deliver() })
    const transmit = (channel: Channel): QueueService => ({ posted: () => channel.collect() })
    const [first, ...rest] = channels as [Channel, ...Channel[]]
    return {
      features: F_MULTIPORT,
      queueSize: 32,
      config: () => config,
      reset: () => {
        control.clear()
        for (const channel of channels) channel.reset()
      },
      quiesce: () => {
        for (const channel of channels) channel.release()
      },
      save: () => ({ control: control.save(), channels: channels.map(channel => ({ ...channel.save() })) }),
      restore: state => {
        const { control: messages, channels: saved } = state as unknown as {
          control: Uint8Array[]
          channels: ChannelState[]
        }
        control.restore(messages)
        for (const [i, channel] of channels.entries()) channel.restore(saved[i])
      },
      queues: {
        receive0: receive(first),
        transmit0: transmit(first),
        controlReceive: { posted: () => control.deliver() },
        controlTransmit: chain => {
          const message = chain.readable.read(CONTROL_BYTES)
          chain.complete()
          if (message.length === CONTROL_BYTES) obey(message, channels, control)
        },
        ...Object.fromEntries(
          rest.flatMap((channel, i) => [
            [`receive${i + 1}`, receive(channel)],
            [`transmit${i + 1}`, transmit(channel)],
          ]),
        ),
      },
    }
  },
})

function obey(message: Uint8Array, channels: readonly Channel[], control: ControlQueue): void {
  const view = new DataView(message.buffer)
  const id = view.getUint32(0, true)
  const isYes = view.getUint16(6, true) === 1
  switch (view.getUint16(4, true)) {
    case Event.deviceReady:
      if (isYes) for (const channel of channels) control.send(channel.id, Event.deviceAdd, 1)
      return
    case Event.portReady:
      if (isYes) channels[id]?.announce()
      return
    case Event.portOpen:
      channels[id]?.setGuestOpen(isYes)
  }
}

/** What the device tells the driver about its ports. */
class ControlQueue {
  readonly #host: VirtioHost
  #waiting: Uint8Array[] = []

  constructor(host: VirtioHost) {
    this.#host = host
  }
  send(id: number, event: number, value: number, name = new Uint8Array(0)): void {
    if (this.#waiting.length >= MAX_CONTROL_MESSAGES) return
    const bytes = new Uint8Array(CONTROL_BYTES + name.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, id, true)
    view.setUint16(4, event, true)
    view.setUint16(6, value, true)
    bytes.set(name, CONTROL_BYTES)
    this.#waiting.push(bytes)
    this.deliver()
  }
  deliver(): void {
    while (this.#waiting.length > 0) {
      const chain = this.#host.take('controlReceive')
      if (!chain) return
      chain.writable.write(this.#waiting.shift() as Uint8Array)
      chain.complete()
    }
  }
  clear(): void {
    this.#waiting = []
  }
  save(): Uint8Array[] {
    return this.#waiting
  }
  restore(waiting: Uint8Array[]): void {
    this.#waiting = waiting
  }
}

interface ChannelState {
  readonly input: Uint8Array
  readonly kept: Uint8Array
  readonly announced: boolean
  readonly hostOpen: boolean
  readonly guestOpen: boolean
}

const NOTHING = new Uint8Array(0)

class Channel {
  readonly id: number
  readonly #port: ChannelPort
  readonly #host: VirtioHost
  readonly #control: ControlQueue
  readonly #input = new ByteQueue(CHANNEL_INPUT_LIMIT_BYTES)
  /** The chain whose bytes the port has yet to take. */
  #held: Chain | undefined
  #heldTakenBytes = 0
  #announced = false
  #hostOpen = false
  #guestOpen = false
  /** What the guest said, told to the port once its bytes are. */
  #toldOpen = false
  /** Bytes from the guest that were given back to it before the port took them. */
  #kept: Uint8Array = NOTHING

  constructor(port: ChannelPort, id: number, host: VirtioHost, control: ControlQueue) {
    this.id = id
    this.#port = port
    this.#host = host
    this.#control = control
    const queued = (): number => this.#input.length
    port.connect({
      send: bytes => {
        const sent = this.#input.push(bytes)
        this.deliver()
        return sent
      },
      get queuedBytes() {
        return queued()
      },
      setOpen: open => {
        if (this.#hostOpen === open) return
        this.#hostOpen = open
        if (!open) this.#input.clear()
        if (this.#announced) this.#control.send(this.id, Event.portOpen, open ? 1 : 0)
      },
      resume: () => this.collect(),
    })
  }

  announce(): void {
    this.#announced = true
    this.#control.send(this.id, Event.portName, 1, new TextEncoder().encode(this.#port.name))
    if (this.#hostOpen) this.#control.send(this.id, Event.portOpen, 1)
  }

  deliver(): void {
    if (this.#input.length === 0) return
    while (this.#input.length > 0) {
      const chain = this.#host.take(`receive${this.id}`)
      if (!chain) return
      chain.writable.write(this.#input.take(Math.min(chain.writable.lengthBytes, MAX_PIECE_BYTES)))
      chain.complete()
    }
    this.#port.drained()
  }

  /** Takes what the guest has sent while it is wanted; then tells of an end that came after it. */
  collect(): void {
    for (;;) {
      if (!this.#port.wantsMore()) return
      const kept = this.#kept
      this.#kept = NOTHING
      if (kept.length > 0) this.#port.write(kept)
      if (!this.#held) {
        this.#held = this.#host.take(`transmit${this.id}`)
        this.#heldTakenBytes = 0
      }
      if (!this.#held) break
      const piece = this.#held.readable.read(MAX_PIECE_BYTES)
      this.#heldTakenBytes += piece.length
      if (piece.length > 0) this.#port.write(piece)
      if (this.#held.readable.remainingBytes > 0 && this.#heldTakenBytes < MAX_CHAIN_BYTES) continue
      this.#held.complete()
      this.#held = undefined
    }
    this.#tellOpen()
  }

  /** Gives back the chain that is held, keeping its bytes. */
  release(): void {
    if (!this.#held) return
    const rest = this.#held.readable.read(MAX_CHAIN_BYTES - this.#heldTakenBytes)
    const kept = new Uint8Array(this.#kept.length + rest.length)
    kept.set(this.#kept)
    kept.set(rest, this.#kept.length)
    this.#kept = kept
    this.#held.complete()
    this.#held = undefined
  }

  setGuestOpen(open: boolean): void {
    this.#guestOpen = open
    this.collect()
  }
  #tellOpen(): void {
    if (this.#toldOpen === this.#guestOpen) return
    this.#toldOpen = this.#guestOpen
    this.#port.guestOpen(this.#toldOpen)
  }

  reset(): void {
    this.#held = undefined
    this.#kept = NOTHING
    this.#announced = false
    this.#guestOpen = false
    this.#input.clear()
    this.#tellOpen()
  }
  save(): ChannelState {
    return {
      input: this.#input.peek(),
      kept: this.#kept,
      announced: this.#announced,
      hostOpen: this.#hostOpen,
      guestOpen: this.#guestOpen,
    }
  }
  restore(state: ChannelState | undefined): void {
    if (!state) return
    this.#input.clear()
    this.#input.push(state.input)
    this.#kept = state.kept
    this.#announced = state.announced
    this.#hostOpen = state.hostOpen
    this.#guestOpen = state.guestOpen
    this.#tellOpen()
  }
}
