import type { MmioDevice, MmioWidth } from './bus.ts'

/** What a guest asked of the board; `code` is the guest's failure code, 1 to 65535 (0 is possible and kept). */
export type PowerRequest =
  | { readonly kind: 'poweroff' }
  | { readonly kind: 'fail'; readonly code: number }
  | { readonly kind: 'reset' }

const FAIL = 0x3333
const PASS = 0x5555
const RESET = 0x7777

/** SiFive's test finisher (`sifive,test0`): one write ends or restarts the machine. */
export class Syscon implements MmioDevice {
  readonly name = 'syscon'
  readonly lengthBytes = 0x1000
  readonly #request: (request: PowerRequest) => void

  /** `request` is called from within the guest's store; it only notes what to do after the slice. */
  constructor(request: (request: PowerRequest) => void) {
    this.#request = request
  }

  read(_offset: number, _width: MmioWidth): number {
    return 0
  }

  write(offset: number, width: MmioWidth, value: number): void {
    if (offset !== 0 || width === 1) return
    const status = value & 0xffff
    if (status === PASS) this.#request({ kind: 'poweroff' })
    else if (status === FAIL) this.#request({ kind: 'fail', code: value >>> 16 })
    else if (status === RESET) this.#request({ kind: 'reset' })
  }
}
