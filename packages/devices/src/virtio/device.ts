import type { IrqLine, Saved, TimerQueue } from '@doppel/base'
import type { MmioWidth } from '../bus.ts'
import type { Chain, ChainState } from './chain.ts'

/** What can go wrong on purpose in a device. */
export type DeviceFault = 'disk-error' | 'torn-write' | 'packet-loss' | 'packet-late'

/** What goes wrong on purpose. */
export interface DeviceFaults {
  /** An opportunity: a number, at least 0 and less than 1, where this one is struck; it says how. */
  strikes(kind: DeviceFault): number | undefined
  /** It has been struck; `what` says what that did. */
  tell(kind: DeviceFault, what: string): void
  /** A device's interrupt wire, on which interrupts may come later. */
  wire(line: IrqLine): IrqLine
}

/** What a deterministic machine lends its devices, whose answers must not hang on how long the host takes. */
export interface PacedWork {
  /** What times are made from; 0 makes them equal. */
  readonly seed: number
  /** Timers of the machine's own clock. */
  readonly timers: TimerQueue
  /** Holds the machine still, from now on, until the host has done `work`, one after another; what it rejects with ends the run. */
  hold(work: () => Promise<void>): void
  readonly faults?: DeviceFaults | undefined
}

/** What the transport offers a device once it is plugged in. */
export interface VirtioHost {
  /** True when the driver accepted this feature bit (a mask, e.g. `1n << 5n`). */
  negotiated(feature: bigint): boolean
  /** The next chain the driver posted on a queue that is pulled from; undefined when it has posted none. */
  take(queue: string): Chain | undefined
  /** A chain of a queue that was out when the device was saved; asked for in `restore`. */
  revive(queue: string, saved: ChainState): Chain
  /** Present in a deterministic machine. */
  readonly paced?: PacedWork | undefined
  /** Tells the driver that configuration space has changed. */
  configChanged(): void
}

/**
 * How a queue is served: by a function, called with each chain as it is made available, or by pulling: `posted` says
 * that there may be new chains, and the device takes them when it has something to put in.
 */
export type QueueService = ((chain: Chain) => void) | { readonly posted: () => void }

/** One plugged-in device. Nothing in here throws or blocks because of what a guest did. */
export interface VirtioParts {
  /** Queues by name, in the order of their indices (Virtio 1.2 §5.x.2 of the device). */
  readonly queues: Readonly<Record<string, QueueService>>
  /** Most entries of each queue, a power of two; 256 when not given. */
  readonly queueSize?: number
  /** Device-specific feature bits offered. */
  readonly features?: bigint
  /** What passes through the queues looks different to a driver that does not accept VERSION_1: it is refused. */
  readonly needsVersion1?: boolean
  /** The bytes of configuration space now; always of one length. */
  readonly config?: () => Uint8Array
  /** The driver has written a field of configuration space, at its own width. */
  readonly writeConfig?: (offset: number, width: MmioWidth, value: number) => void
  /** The driver is up: DRIVER_OK was set. */
  readonly started?: () => void
  /** The driver has reset the device; chains not completed are gone. */
  readonly reset?: () => void
  /** Gives back chains that only wait for someone, so that none is out when the machine is saved. */
  readonly quiesce?: () => void
  /**
   * What the device itself remembers beside rings and features, as the snapshot codec can write it; asked for while no
   * chain is out but those of `kept`. A device that has `save` has `restore`, which is given what `save` returned.
   */
  readonly save?: () => Saved
  readonly restore?: (state: Saved) => void
  /** Chains out that `save` tells of. */
  readonly kept?: () => number
  /** Why a snapshot cannot hold this device; undefined when one can. */
  readonly unsaved?: string
}

/** A device ready to be plugged into a transport, once. */
export interface VirtioDevice {
  /** Device ID, Virtio 1.2 §5. */
  readonly id: number
  readonly name: string
  /** PCI base class, subclass and interface: 24 bits. */
  readonly pciClass: number
  readonly plug: (host: VirtioHost) => VirtioParts
}

/** What a device's file declares. */
export interface VirtioDefinition<Options> {
  readonly id: number
  readonly name: string
  readonly pciClass?: number
  readonly create: (options: Options, host: VirtioHost) => VirtioParts
}

/** "Unassigned" in the PCI Code and ID Assignment Specification §1. */
const PCI_CLASS_OTHER = 0xff_0000

/** Declares a virtio device: one call is one file; the result makes devices from options. */
export function defineVirtio<Options>(definition: VirtioDefinition<Options>): (options: Options) => VirtioDevice {
  const { id, name, pciClass = PCI_CLASS_OTHER, create } = definition
  return options => ({ id, name, pciClass, plug: host => create(options, host) })
}
