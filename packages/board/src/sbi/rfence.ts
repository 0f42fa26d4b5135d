import type { RiscvHart } from '@doppel/base'
import {
  failure,
  hartsOf,
  SBI_ERR_INVALID_ADDRESS,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiArguments,
  type SbiExtension,
  type SbiFunction,
  type SbiPlatform,
  type SbiReturn,
  success,
} from './abi.ts'

/** Remote fences, SBI 2.0 §8. */
const RFENCE: SbiExtension = { name: 'RFENCE', id: 0x5246_4e43 }

const WHOLE = (1n << 64n) - 1n

/** The rows of RFENCE; those of the hypervisor extension say NOT_SUPPORTED, as the specification has it without H. */
export const rfenceFunctions: readonly SbiFunction[] = [
  {
    extension: RFENCE,
    name: 'remote_fence_i',
    functionId: 0,
    run: (platform, _caller, args) => onEach(platform, args, hart => hart.flushInstructions()),
  },
  {
    extension: RFENCE,
    name: 'remote_sfence_vma',
    functionId: 1,
    run: (platform, _caller, args) => fence(platform, args, undefined),
  },
  {
    extension: RFENCE,
    name: 'remote_sfence_vma_asid',
    functionId: 2,
    run: (platform, _caller, args) => fence(platform, args, args[4]),
  },
  unsupported('remote_hfence_gvma_vmid', 3),
  unsupported('remote_hfence_gvma', 4),
  unsupported('remote_hfence_vvma_asid', 5),
  unsupported('remote_hfence_vvma', 6),
]

function unsupported(name: string, functionId: number): SbiFunction {
  return { extension: RFENCE, name, functionId, run: () => failure(SBI_ERR_NOT_SUPPORTED) }
}

function fence(platform: SbiPlatform, args: SbiArguments, asidArgument: bigint | undefined): SbiReturn {
  const [, , start, lengthBytes] = args
  const all = (start === 0n && lengthBytes === 0n) || lengthBytes === WHOLE
  if (!all && start + lengthBytes > WHOLE + 1n) return failure(SBI_ERR_INVALID_ADDRESS)
  // An ASID has at most 16 bits (Priv. §4.1.11); what is above them names no address space the TLB could hold.
  const asid = asidArgument === undefined ? undefined : Number(asidArgument & 0xffffn)
  return onEach(platform, args, hart => hart.flushTlb(all ? undefined : { start, lengthBytes }, asid))
}

function onEach(platform: SbiPlatform, [mask, base]: SbiArguments, act: (hart: RiscvHart) => void): SbiReturn {
  const harts = hartsOf(platform, mask, base)
  if (harts === undefined) return failure(SBI_ERR_INVALID_PARAM)
  for (const { hart } of harts) act(hart)
  return success()
}
