import { failure, SBI_ERR_INVALID_PARAM, type SbiExtension, type SbiFunction, success, u32 } from './abi.ts'

/** System reset, SBI 2.0 §10. */
const SRST: SbiExtension = { name: 'SRST', id: 0x5352_5354 }

const SHUTDOWN = 0
const COLD_REBOOT = 1
const WARM_REBOOT = 2
const NO_REASON = 0
const SYSTEM_FAILURE = 1

/** The rows of SRST. Reset types and reasons left to platforms and vendors are none of this platform's. */
export const srstFunctions: readonly SbiFunction[] = [
  {
    extension: SRST,
    name: 'system_reset',
    functionId: 0,
    run: (platform, { hart }, [typeArgument, reasonArgument]) => {
      const [type, reason] = [u32(typeArgument), u32(reasonArgument)]
      const known = type === SHUTDOWN || type === COLD_REBOOT || type === WARM_REBOOT
      if (!known || (reason !== NO_REASON && reason !== SYSTEM_FAILURE)) return failure(SBI_ERR_INVALID_PARAM)
      platform.reset({ kind: type === SHUTDOWN ? 'poweroff' : 'reset', failure: reason === SYSTEM_FAILURE })
      // The call does not return: the caller's slice ends here and the machine with it.
      hart.stop()
      return success()
    },
  },
]
