/** A machine's outward connections. Devices speak to ports; what is behind them (terminal, file, switch) is injected. */

/** A character stream both ways, e.g. a terminal behind a UART or virtio console. */
export interface CharPort {
  /** Bytes from the guest. */
  write(bytes: Uint8Array): void
  /** Sets the one receiver of bytes for the guest. */
  onInput(receive: (bytes: Uint8Array) => void): void
  /** The terminal's size now, in character cells; undefined when it is not a terminal. */
  size?(): { readonly columns: number; readonly rows: number } | undefined
  /** Sets the one listener told when `size` has changed. */
  onResize?(changed: () => void): void
}

/** A disk's bytes. Offsets and lengths in bytes; a device checks them against `sizeBytes` before it calls. */
export interface BlockStore {
  readonly sizeBytes: number
  readonly readOnly: boolean
  /** Fills all of `into`. Rejects with a DoppelError when the medium fails. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, from: Uint8Array): Promise<void>
  /** Resolves when every earlier write is durable. */
  flush(): Promise<void>
  /** Frees the range; it reads as zeros afterwards. */
  discard(offset: number, lengthBytes: number): Promise<void>
  close(): Promise<void>
}

/** The device's end of a named channel: what its owner on the host may do. */
export interface ChannelEnd {
  /** Queues bytes for the guest; returns how many fit. A guest that has not opened its end loses them. */
  send(bytes: Uint8Array): number
  /** Bytes queued that the guest has not taken yet. */
  readonly queuedBytes: number
  /** Opens or closes the host's side: a guest that reads a closed channel meets its end. */
  setOpen(open: boolean): void
  /** Asks again whether bytes are wanted, after `wantsMore` had said no. */
  resume(): void
}

/** A named byte channel into a guest, both of whose ends open and close: a virtio port (Virtio 1.2 §5.3). */
export interface ChannelPort {
  /** What the guest finds it by, UTF-8. */
  readonly name: string
  /** Hands over the device's end; called once, when the device is plugged in. */
  connect(end: ChannelEnd): void
  /** Bytes from the guest. */
  write(bytes: Uint8Array): void
  /** False holds the guest's bytes back until `ChannelEnd.resume`. */
  wantsMore(): boolean
  /** The guest opened or closed its end; a reset of the device closes it. All earlier bytes have been written. */
  guestOpen(open: boolean): void
  /** Everything sent has been taken by the guest. */
  drained(): void
}

/** What a sender left for the next hop to do to a frame, as network cards do for their drivers. Offsets in bytes. */
export interface FrameOffload {
  /** Where the Internet checksum begins, and where in that part it goes; the pseudo-header's sum is there already. */
  readonly checksum: { readonly start: number; readonly offset: number }
  /** The frame is a TCP segment longer than the link takes; each packet cut from it holds at most so many bytes of data. */
  readonly segmentBytes?: number
}

/** One Ethernet plug. Frames are whole, without FCS. */
export interface NetPort {
  /** True when `send` takes frames that are not finished; otherwise it must not be given an offload. */
  readonly takesOffload?: boolean
  send(frame: Uint8Array, offload?: FrameOffload): void
  /** Sets the one receiver of frames for the guest; it finishes what comes with an offload. */
  onFrame(receive: (frame: Uint8Array, offload?: FrameOffload) => void): void
}

/** A level-triggered interrupt wire into a controller or hart. */
export interface IrqLine {
  set(level: boolean): void
}
