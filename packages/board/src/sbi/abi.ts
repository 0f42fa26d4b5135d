import type { GuestMemory, RiscvHart } from '@doppel/base'

/** Error codes, SBI 2.0 §3 "Binary Encoding". */
const SBI_SUCCESS = 0
/** The function or extension is not there; the rest follow the specification's names. */
export const SBI_ERR_NOT_SUPPORTED = -2
export const SBI_ERR_INVALID_PARAM = -3
export const SBI_ERR_DENIED = -4
export const SBI_ERR_INVALID_ADDRESS = -5
export const SBI_ERR_ALREADY_AVAILABLE = -6
export const SBI_ERR_ALREADY_STARTED = -7
export const SBI_ERR_ALREADY_STOPPED = -8

/** What a0 (error) and a1 (value) become. */
export interface SbiReturn {
  readonly error: number
  readonly value: bigint
}

/** Registers a0 to a5 as the caller left them. */
export type SbiArguments = readonly [bigint, bigint, bigint, bigint, bigint, bigint]

/** An extension's name and EID. */
export interface SbiExtension {
  readonly name: string
  readonly id: number
}

/** One function: a row of its extension's table. */
export interface SbiFunction {
  readonly extension: SbiExtension
  /** As the specification spells it, without the `sbi_` prefix. */
  readonly name: string
  readonly functionId: number
  readonly run: (platform: SbiPlatform, caller: SbiHart, args: SbiArguments) => SbiReturn
}

/** Hart states that can be observed between two calls, with their numbers (SBI 2.0 §9, table of HSM hart states). */
export const HSM_STATE = { started: 0, stopped: 1, suspended: 4 } as const

/** A counter the PMU extension hands out; `free` until configured. */
type PmuCounterState = 'free' | 'stopped' | 'started'

/** A hart as the firmware sees it. */
export interface SbiHart {
  readonly hart: RiscvHart
  state: keyof typeof HSM_STATE
  /** Where a non-retentive suspend continues; undefined in every other state. */
  resume: { readonly pc: bigint; readonly opaque: bigint } | undefined
  readonly counters: PmuCounterState[]
}

/** The debug console's two directions; reading never waits. */
export interface SbiConsole {
  write(bytes: Uint8Array): void
  /** At most `limitBytes` bytes of input that are there now. */
  read(limitBytes: number): Uint8Array
}

/** How a kernel asks the machine to end (SRST). */
export interface SbiResetRequest {
  readonly kind: 'poweroff' | 'reset'
  /** True when the kernel gave "system failure" as the reason. */
  readonly failure: boolean
}

/** What the functions act on. */
export interface SbiPlatform {
  readonly harts: readonly SbiHart[]
  readonly memory: GuestMemory
  readonly console: SbiConsole
  /** Only notes the request: the machine ends after the calling hart's slice. */
  readonly reset: (request: SbiResetRequest) => void
  /** Whether an EID is implemented, for probe_extension. */
  readonly implements: (extensionId: bigint) => boolean
}

/** Success with a value. */
export function success(value: number | bigint = 0): SbiReturn {
  return { error: SBI_SUCCESS, value: BigInt(value) }
}

/** An error code; the value is 0. */
export function failure(error: number): SbiReturn {
  return { error, value: 0n }
}

/** The low 32 bits: what a parameter declared uint32_t means. */
export function u32(argument: bigint): number {
  return Number(BigInt.asUintN(32, argument))
}

const ALL = (1n << 64n) - 1n

/** The hart with this id, or undefined. */
export function hartById(platform: SbiPlatform, id: bigint): SbiHart | undefined {
  return platform.harts.find(({ hart }) => BigInt(hart.id) === id)
}

/** The harts of a hart mask (SBI 2.0 §3.1), all of them for base −1; undefined when the base or any bit names none. */
export function hartsOf(platform: SbiPlatform, mask: bigint, base: bigint): readonly SbiHart[] | undefined {
  if (base === ALL) return platform.harts
  if (hartById(platform, base) === undefined) return undefined
  const found: SbiHart[] = []
  for (let bit = 0n; bit < 64n; bit++) {
    if (((mask >> bit) & 1n) === 0n) continue
    const hart = hartById(platform, base + bit)
    if (hart === undefined) return undefined
    found.push(hart)
  }
  return found
}

/** True when a hart can begin to execute at `address`: even, and RAM. */
export function isEntry(platform: SbiPlatform, address: bigint): boolean {
  return (address & 1n) === 0n && isRam(platform, address, 2n)
}

/** True when all of `[address, address + lengthBytes)` is RAM. */
export function isRam(platform: SbiPlatform, address: bigint, lengthBytes: bigint): boolean {
  const limit = BigInt(Number.MAX_SAFE_INTEGER)
  if (address > limit || lengthBytes > limit) return false
  return platform.memory.contains(Number(address), Number(lengthBytes))
}
