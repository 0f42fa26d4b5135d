import { ACKNOWLEDGED, encodePacket, PacketReader } from './packets.ts'

/** The connection of a debugger that cannot have the machine: by GDB's remote serial protocol it is told why, whatever it asks. */
export class GdbRefusal {
  readonly #send: (bytes: Uint8Array) => void
  readonly #answer: Uint8Array
  readonly #reader = new PacketReader()

  constructor(why: string, send: (bytes: Uint8Array) => void) {
    this.#send = send
    // An error with words of its own (GDB manual, appendix E.2).
    this.#answer = encodePacket(`E.${why}`)
  }
  /** Takes what the debugger has sent. */
  receive(bytes: Uint8Array): void {
    for (const { kind } of this.#reader.feed(bytes)) {
      if (kind !== 'packet') continue
      this.#send(ACKNOWLEDGED)
      this.#send(this.#answer)
    }
  }
}
