import type { CharPort, IrqLine } from '@doppel/base'
import type { MmioDevice, MmioWidth } from './bus.ts'
import { ByteQueue } from './byte-queue.ts'

/** Host input kept until the guest reads it: a pasted file, not a runaway sender. What exceeds it is an overrun. */
export const UART_INPUT_LIMIT_BYTES: number = 1024 * 1024

const FIFO_BYTES = 16

// Register offsets, NS16550A data sheet table II.
const RBR_THR_DLL = 0
const IER_DLM = 1
const IIR_FCR = 2
const LCR = 3
const MCR = 4
const LSR = 5
const MSR = 6
const SCR = 7

const IER_RECEIVED = 1
const IER_TRANSMIT_EMPTY = 2
const IER_LINE_STATUS = 4
const IER_MODEM_STATUS = 8
const IIR_NONE = 1
const IIR_TRANSMIT_EMPTY = 2
const IIR_RECEIVED = 4
const IIR_LINE_STATUS = 6
const IIR_TIMEOUT = 0xc
const IIR_MODEM_STATUS = 0
const IIR_FIFOS = 0xc0
const FCR_ENABLE = 1
const FCR_RESET_RECEIVER = 2
const LCR_DLAB = 0x80
const MCR_LOOP = 0x10
const LSR_DATA_READY = 1
const LSR_OVERRUN = 2
const LSR_TRANSMITTER_EMPTY = 0x60
const MSR_RI_FELL = 4
/** Carrier, data set ready and clear to send: the other end is always there. */
const MSR_CONNECTED = 0xb0
const TRIGGER_BYTES = [1, 4, 8, 14] as const

/** By offset, as they are read and written; while LCR.DLAB is set the first two are the divisor's. */
const REGISTERS = [
  ['rbr', 'thr', 'dll'],
  ['ier', 'ier', 'dlm'],
  ['iir', 'fcr'],
  ['lcr', 'lcr'],
  ['mcr', 'mcr'],
  ['lsr', 'lsr'],
  ['msr', 'msr'],
  ['scr', 'scr'],
] as const

/** A UART as a snapshot has it: version 1. */
export interface UartState {
  /** Typed and not read yet; in the receiver while looped back. */
  readonly input: Uint8Array
  readonly looped: Uint8Array
  readonly divisor: number
  readonly ier: number
  readonly fcr: number
  readonly lcr: number
  readonly mcr: number
  readonly scratch: number
  readonly overrun: boolean
  readonly msr: number
  readonly transmitEmptyPending: boolean
}

/** Serial port, `ns16550a` compatible, with byte registers at consecutive addresses. NS16550A data sheet. */
export class Uart16550 implements MmioDevice {
  readonly name = 'uart'
  readonly lengthBytes = 0x100
  readonly #port: CharPort
  readonly #line: IrqLine
  /**
   * What the host sent. The sender honours flow control, so the receive FIFO is a window on the head of this queue and
   * resetting it loses nothing: the sender would send again what was never taken.
   */
  readonly #input = new ByteQueue(UART_INPUT_LIMIT_BYTES)
  /** The receive FIFO while the transmitter is looped back. */
  readonly #looped = new ByteQueue(FIFO_BYTES)
  #divisor = 0x0c
  #ier = 0
  #fcr = 0
  #lcr = 0
  #mcr = 0
  #scratch = 0
  #overrun = false
  #msr = MSR_CONNECTED
  #transmitEmptyPending = false

  constructor({ port, line }: { readonly port: CharPort; readonly line: IrqLine }) {
    this.#port = port
    this.#line = line
    port.onInput(bytes => {
      if (this.#input.push(bytes) < bytes.length) this.#overrun = true
      this.#update()
    })
  }

  /** Bytes from the host that the guest has not read yet. */
  get queuedBytes(): number {
    return this.#input.length
  }

  describe(offset: number, isWrite: boolean): { register: string } | undefined {
    const [read, write, latched] = REGISTERS[offset] ?? []
    const register = latched !== undefined && this.#lcr & LCR_DLAB ? latched : isWrite ? write : read
    return register === undefined ? undefined : { register }
  }

  save(): UartState {
    return {
      input: this.#input.peek(),
      looped: this.#looped.peek(),
      divisor: this.#divisor,
      ier: this.#ier,
      fcr: this.#fcr,
      lcr: this.#lcr,
      mcr: this.#mcr,
      scratch: this.#scratch,
      overrun: this.#overrun,
      msr: this.#msr,
      transmitEmptyPending: this.#transmitEmptyPending,
    }
  }
  restore(state: UartState): void {
    this.#input.clear()
    this.#input.push(state.input)
    this.#looped.clear()
    this.#looped.push(state.looped)
    this.#divisor = state.divisor
    this.#ier = state.ier
    this.#fcr = state.fcr
    this.#lcr = state.lcr
    this.#mcr = state.mcr
    this.#scratch = state.scratch
    this.#overrun = state.overrun
    this.#msr = state.msr
    this.#transmitEmptyPending = state.transmitEmptyPending
    this.#update()
  }

  read(offset: number, _width: MmioWidth): number {
    const value = this.#read(offset)
    this.#update()
    return value
  }

  write(offset: number, _width: MmioWidth, value: number): void {
    this.#write(offset, value & 0xff)
    this.#update()
  }

  #read(offset: number): number {
    switch (offset) {
      case RBR_THR_DLL:
        if (this.#lcr & LCR_DLAB) return this.#divisor & 0xff
        return this.#receiver().take(1)[0] ?? 0
      case IER_DLM:
        return this.#lcr & LCR_DLAB ? this.#divisor >>> 8 : this.#ier
      case IIR_FCR: {
        const cause = this.#cause()
        // Reading the cause clears this one; the others end at their own registers (data sheet table III).
        if (cause === IIR_TRANSMIT_EMPTY) this.#transmitEmptyPending = false
        return cause | (this.#fcr & FCR_ENABLE ? IIR_FIFOS : 0)
      }
      case LCR:
        return this.#lcr
      case MCR:
        return this.#mcr
      case LSR: {
        const value =
          LSR_TRANSMITTER_EMPTY | (this.#overrun ? LSR_OVERRUN : 0) | (this.#receiver().length > 0 ? LSR_DATA_READY : 0)
        this.#overrun = false
        return value
      }
      case MSR: {
        const value = this.#msr
        this.#msr &= 0xf0
        return value
      }
      case SCR:
        return this.#scratch
      default:
        return 0
    }
  }

  #write(offset: number, value: number): void {
    switch (offset) {
      case RBR_THR_DLL:
        if (this.#lcr & LCR_DLAB) this.#divisor = (this.#divisor & 0xff00) | value
        else this.#transmit(value)
        break
      case IER_DLM:
        if (this.#lcr & LCR_DLAB) {
          this.#divisor = (this.#divisor & 0xff) | (value << 8)
        } else {
          // The transmitter is always empty, so enabling its interrupt raises it at once.
          if (value & ~this.#ier & IER_TRANSMIT_EMPTY) this.#transmitEmptyPending = true
          this.#ier = value & 0xf
        }
        break
      case IIR_FCR:
        if ((value ^ this.#fcr) & FCR_ENABLE || value & FCR_RESET_RECEIVER) this.#looped.clear()
        this.#fcr = value & FCR_ENABLE ? value & 0xc9 : 0
        break
      case LCR:
        this.#lcr = value
        break
      case MCR:
        this.#mcr = value & 0x1f
        this.#modemStatus()
        break
      case SCR:
        this.#scratch = value
        break
    }
  }

  /** Sending takes no guest time: the holding register is empty again when the store returns. */
  #transmit(value: number): void {
    if (this.#mcr & MCR_LOOP) {
      const room = (this.#fcr & FCR_ENABLE ? FIFO_BYTES : 1) - this.#looped.length
      if (room > 0) this.#looped.push(Uint8Array.of(value))
      else this.#overrun = true
    } else {
      this.#port.write(Uint8Array.of(value))
    }
    this.#transmitEmptyPending = true
  }

  #receiver(): ByteQueue {
    return this.#mcr & MCR_LOOP ? this.#looped : this.#input
  }

  /** In loopback the four modem outputs drive the four modem inputs (data sheet §8.6.7). */
  #modemStatus(): void {
    const m = this.#mcr
    const lines = m & MCR_LOOP ? ((m & 2) << 3) | ((m & 1) << 5) | ((m & 4) << 4) | ((m & 8) << 4) : MSR_CONNECTED
    const changed = (lines ^ this.#msr) >>> 4
    // The ring indicator's delta records only its trailing edge.
    const ringFell = changed & MSR_RI_FELL & ~(lines >>> 4)
    this.#msr = lines | (this.#msr & 0xf) | (changed & 0xb) | ringFell
  }

  /** The interrupt of highest priority, as IIR shows it. */
  #cause(): number {
    if (this.#ier & IER_LINE_STATUS && this.#overrun) return IIR_LINE_STATUS
    const received = this.#receiver().length
    if (this.#ier & IER_RECEIVED && received > 0) {
      if (!(this.#fcr & FCR_ENABLE)) return IIR_RECEIVED
      // Below the trigger level the hardware waits four character times for more; here all that will come has come.
      return received >= (TRIGGER_BYTES[this.#fcr >>> 6] ?? 1) ? IIR_RECEIVED : IIR_TIMEOUT
    }
    if (this.#ier & IER_TRANSMIT_EMPTY && this.#transmitEmptyPending) return IIR_TRANSMIT_EMPTY
    if (this.#ier & IER_MODEM_STATUS && this.#msr & 0xf) return IIR_MODEM_STATUS
    return IIR_NONE
  }

  #update(): void {
    this.#line.set(this.#cause() !== IIR_NONE)
  }
}
