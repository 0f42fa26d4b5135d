import type { ChannelEnd, ChannelPort } from '@doppel/base'

/** What a channel's user hears. */
export interface ChannelListener {
  data(bytes: Uint8Array): void
  /** The guest opened or closed its end. */
  open(isOpen: boolean): void
  drained(): void
}

/** One named channel into the guest, handed to a user for a while and then to the next. */
export class Channel implements ChannelPort {
  readonly name: string
  isGuestOpen = false
  #end: ChannelEnd | undefined
  #listener: ChannelListener | undefined
  #isHeld = false

  constructor(name: string) {
    this.name = name
  }

  /** Sets who hears of this channel from now on; nobody when undefined, and then what the guest sends is dropped. */
  listen(listener: ChannelListener | undefined): void {
    this.#listener = listener
    this.hold(false)
  }
  /** Queues bytes for the guest; returns how many fit. */
  send(bytes: Uint8Array): number {
    return this.#end?.send(bytes) ?? 0
  }
  get queuedBytes(): number {
    return this.#end?.queuedBytes ?? 0
  }
  /** Closes or opens our side. */
  setOpen(open: boolean): void {
    this.#end?.setOpen(open)
  }
  /** Makes the guest wait with what it sends, or go on. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return
    this.#isHeld = isHeld
    if (!isHeld) this.#end?.resume()
  }

  connect(end: ChannelEnd): void {
    this.#end = end
    end.setOpen(true)
  }
  write(bytes: Uint8Array): void {
    this.#listener?.data(bytes)
  }
  wantsMore(): boolean {
    return !this.#isHeld
  }
  guestOpen(open: boolean): void {
    this.isGuestOpen = open
    this.#listener?.open(open)
  }
  drained(): void {
    this.#listener?.drained()
  }
}
