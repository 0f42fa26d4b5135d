import { type SbiExtension, type SbiFunction, success } from './abi.ts'

/** Timer extension, SBI 2.0 §6. */
const TIME: SbiExtension = { name: 'TIME', id: 0x5449_4d45 }

/** The rows of TIME. */
export const timeFunctions: readonly SbiFunction[] = [
  {
    extension: TIME,
    name: 'set_timer',
    functionId: 0,
    run: (_platform, { hart }, [deadline]) => {
      hart.setSupervisorTimer(deadline)
      return success()
    },
  },
]
