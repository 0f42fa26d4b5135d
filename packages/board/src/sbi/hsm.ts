import {
  failure,
  HSM_STATE,
  hartById,
  isEntry,
  SBI_ERR_ALREADY_AVAILABLE,
  SBI_ERR_INVALID_ADDRESS,
  SBI_ERR_INVALID_PARAM,
  type SbiExtension,
  type SbiFunction,
  type SbiHart,
  success,
} from './abi.ts'

/** Hart state management, SBI 2.0 §9. */
const HSM: SbiExtension = { name: 'HSM', id: 0x48_534d }

/** The two suspend types every implementation may offer; the rest is reserved or a platform's own. */
const DEFAULT_RETENTIVE = 0
const DEFAULT_NON_RETENTIVE = 0x8000_0000
const SUPERVISOR = 1

/** The rows of HSM. */
export const hsmFunctions: readonly SbiFunction[] = [
  {
    extension: HSM,
    name: 'hart_start',
    functionId: 0,
    run: (platform, _caller, [hartId, pc, opaque]) => {
      const target = hartById(platform, hartId)
      if (target === undefined) return failure(SBI_ERR_INVALID_PARAM)
      if (target.state !== 'stopped') return failure(SBI_ERR_ALREADY_AVAILABLE)
      if (!isEntry(platform, pc)) return failure(SBI_ERR_INVALID_ADDRESS)
      beginSupervisor(target, pc, opaque)
      return success()
    },
  },
  {
    extension: HSM,
    name: 'hart_stop',
    functionId: 1,
    run: (_platform, caller) => {
      caller.state = 'stopped'
      caller.hart.stop()
      return success()
    },
  },
  {
    extension: HSM,
    name: 'hart_get_status',
    functionId: 2,
    run: (platform, _caller, [hartId]) => {
      const target = hartById(platform, hartId)
      return target === undefined ? failure(SBI_ERR_INVALID_PARAM) : success(HSM_STATE[target.state])
    },
  },
  {
    extension: HSM,
    name: 'hart_suspend',
    functionId: 3,
    run: (platform, caller, [type, pc, opaque]) => {
      const kind = Number(BigInt.asUintN(32, type))
      if (kind === DEFAULT_RETENTIVE) {
        caller.state = 'suspended'
        caller.hart.wait()
        return success()
      }
      if (kind !== DEFAULT_NON_RETENTIVE) return failure(SBI_ERR_INVALID_PARAM)
      if (!isEntry(platform, pc)) return failure(SBI_ERR_INVALID_ADDRESS)
      suspendUntilInterrupt(caller, pc, opaque)
      return success()
    },
  },
]

/** Starts a hart in S-mode as HSM and SUSP have it: a0 its id, a1 the caller's value, paging off, interrupts disabled. */
export function beginSupervisor(target: SbiHart, pc: bigint, opaque: bigint): void {
  target.state = 'started'
  target.resume = undefined
  target.hart.start({ pc, privilege: SUPERVISOR, a0: BigInt(target.hart.id), a1: opaque })
}

/** Stops a hart until an interrupt is pending; it then begins anew at `pc`. */
export function suspendUntilInterrupt(target: SbiHart, pc: bigint, opaque: bigint): void {
  target.state = 'suspended'
  target.resume = { pc, opaque }
  target.hart.stop()
}
