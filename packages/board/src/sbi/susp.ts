import {
  failure,
  isEntry,
  SBI_ERR_DENIED,
  SBI_ERR_INVALID_ADDRESS,
  SBI_ERR_INVALID_PARAM,
  type SbiExtension,
  type SbiFunction,
  success,
  u32,
} from './abi.ts'
import { suspendUntilInterrupt } from './hsm.ts'

/** System suspend, SBI 2.0 §13. */
const SUSP: SbiExtension = { name: 'SUSP', id: 0x5355_5350 }

const SUSPEND_TO_RAM = 0

/** The rows of SUSP. RAM keeps its contents by itself, so the machine sleeps exactly as its last hart does. */
export const suspFunctions: readonly SbiFunction[] = [
  {
    extension: SUSP,
    name: 'system_suspend',
    functionId: 0,
    run: (platform, caller, [type, pc, opaque]) => {
      if (u32(type) !== SUSPEND_TO_RAM) return failure(SBI_ERR_INVALID_PARAM)
      if (!isEntry(platform, pc)) return failure(SBI_ERR_INVALID_ADDRESS)
      if (platform.harts.some(other => other !== caller && other.state !== 'stopped')) return failure(SBI_ERR_DENIED)
      suspendUntilInterrupt(caller, pc, opaque)
      return success()
    },
  },
]
