import { failure, hartsOf, SBI_ERR_INVALID_PARAM, type SbiExtension, type SbiFunction, success } from './abi.ts'

/** Inter-processor interrupts, SBI 2.0 §7. */
const IPI: SbiExtension = { name: 'IPI', id: 0x73_5049 }

/** sip.SSIP: pending until the supervisor clears it, so it is written rather than driven as a wire (Priv. §4.1.3). */
const SSIP = 1n << 1n

/** The rows of IPI. */
export const ipiFunctions: readonly SbiFunction[] = [
  {
    extension: IPI,
    name: 'send_ipi',
    functionId: 0,
    run: (platform, _caller, [mask, base]) => {
      const harts = hartsOf(platform, mask, base)
      if (harts === undefined) return failure(SBI_ERR_INVALID_PARAM)
      for (const { hart, state } of harts) if (state !== 'stopped') hart.writeCsr('sip', SSIP)
      return success()
    },
  },
]
