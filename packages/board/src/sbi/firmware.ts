import type { EnvironmentCall, GuestMemory, RiscvHart } from '@doppel/base'
import {
  failure,
  SBI_ERR_NOT_SUPPORTED,
  type SbiArguments,
  type SbiConsole,
  type SbiFunction,
  type SbiHart,
  type SbiPlatform,
  type SbiResetRequest,
} from './abi.ts'
import { baseFunctions } from './base.ts'
import { dbcnFunctions } from './dbcn.ts'
import { beginSupervisor, hsmFunctions } from './hsm.ts'
import { ipiFunctions } from './ipi.ts'
import { PMU_COUNTERS, pmuFunctions } from './pmu.ts'
import { rfenceFunctions } from './rfence.ts'
import { srstFunctions } from './srst.ts'
import { suspFunctions } from './susp.ts'
import { timeFunctions } from './time.ts'

/** Every function the built-in firmware has: SBI 2.0 without the legacy, CPPC, NACL and STA extensions. */
export const sbiFunctions: readonly SbiFunction[] = [
  ...baseFunctions,
  ...timeFunctions,
  ...ipiFunctions,
  ...rfenceFunctions,
  ...hsmFunctions,
  ...srstFunctions,
  ...pmuFunctions,
  ...dbcnFunctions,
  ...suspFunctions,
]

const BY_ID: ReadonlyMap<bigint, ReadonlyMap<bigint, SbiFunction>> = new Map(
  [...new Set(sbiFunctions.map(row => row.extension))].map(extension => [
    BigInt(extension.id),
    new Map(sbiFunctions.filter(row => row.extension === extension).map(row => [BigInt(row.functionId), row])),
  ]),
)

const A0 = 10
const A1 = 11
const A6 = 16
const A7 = 17

/** What the firmware is built from. */
export interface SbiConfig {
  readonly harts: readonly RiscvHart[]
  readonly memory: GuestMemory
  readonly console: SbiConsole
  readonly reset: (request: SbiResetRequest) => void
  /** The ISA extensions' names, lower case: they decide what menvcfg turns on. */
  readonly extensions: readonly string[]
}

/** What the firmware remembers of a hart, as a snapshot has it: version 1. */
export type SbiHartState = Pick<SbiHart, 'state' | 'resume' | 'counters'>

/** The firmware below a kernel that starts in S-mode: answers its environment calls and keeps the harts' states. */
export class SbiFirmware {
  readonly #platform: SbiPlatform

  constructor({ harts, memory, console, reset, extensions }: SbiConfig) {
    for (const hart of harts) delegate(hart, extensions)
    this.#platform = {
      harts: harts.map(hart => ({
        hart,
        state: 'stopped',
        resume: undefined,
        counters: Array.from({ length: PMU_COUNTERS }, () => 'free' as const),
      })),
      memory,
      console,
      reset,
      implements: extensionId => BY_ID.has(extensionId),
    }
  }

  /** Starts one hart in S-mode at `pc` with a0 its id and a1 the device tree; the others wait for hart_start. */
  boot(hartId: number, pc: bigint, deviceTree: bigint): void {
    beginSupervisor(this.#of(hartId), pc, deviceTree)
  }

  /** Handles an ecall from S-mode: EID in a7, FID in a6, arguments in a0 to a5 (SBI 2.0 §3). */
  readonly environmentCall: EnvironmentCall = hart => {
    const row = BY_ID.get(BigInt.asUintN(64, hart.x(A7)))?.get(BigInt.asUintN(64, hart.x(A6)))
    const args = [0, 1, 2, 3, 4, 5].map(i => BigInt.asUintN(64, hart.x(A0 + i))) as unknown as SbiArguments
    const { error, value } = row?.run(this.#platform, this.#of(hart.id), args) ?? failure(SBI_ERR_NOT_SUPPORTED)
    hart.setX(A0, BigInt.asUintN(64, BigInt(error)))
    hart.setX(A1, BigInt.asUintN(64, value))
  }

  /** Wakes suspended harts that have an interrupt pending. The machine's loop calls this between slices. */
  wakeSuspended(): void {
    for (const target of this.#platform.harts) {
      if (target.state !== 'suspended' || !target.hart.interruptPending()) continue
      if (target.resume !== undefined) beginSupervisor(target, target.resume.pc, target.resume.opaque)
      else target.state = 'started'
    }
  }

  /** True while a hart waits in a suspend call, i.e. an interrupt or its own timer may bring it back. */
  isSuspended(hartId: number): boolean {
    return this.#of(hartId).state === 'suspended'
  }

  save(): SbiHartState[] {
    return this.#platform.harts.map(({ state, resume, counters }) => ({ state, resume, counters: counters.slice() }))
  }
  /** Takes over for firmware that was saved; the harts' registers are not its own. */
  restore(saved: readonly SbiHartState[]): void {
    for (const [i, target] of this.#platform.harts.entries()) {
      target.state = saved[i]?.state ?? 'stopped'
      target.resume = saved[i]?.resume
      for (const [n, counter] of (saved[i]?.counters ?? []).entries()) target.counters[n] = counter
    }
  }

  #of(hartId: number): SbiHart {
    return this.#platform.harts[hartId] as SbiHart
  }
}

/** Exceptions handed to S-mode: all but ecall from S (9) and M (11). There is nobody in M-mode to emulate anything. */
const DELEGATED_EXCEPTIONS = 0xb1ffn
/** SSIP, STIP and SEIP. */
const DELEGATED_INTERRUPTS = 0x222n
/** menvcfg (Priv. §3.1.18): FIOM aside, cache-block operations as the hart has them, Svpbmt and Sstc. */
const ENVIRONMENT = 0xf0n | (1n << 62n) | (1n << 63n)
const HARDWARE_DIRTY_BITS = 1n << 61n
const ALL_COUNTERS = 0xffff_ffffn
/** One PMP entry, NAPOT over everything, read, write and execute (Priv. §3.7). */
const ALL_ADDRESSES = (1n << 54n) - 1n
const OPEN = 0x1fn

/** What firmware sets before it enters S-mode. The CSRs are WARL: bits of absent extensions stay zero. */
function delegate(hart: RiscvHart, extensions: readonly string[]): void {
  // Named alone, Svadu means that the hart updates A and D from the start (RVA profile rules for Svade and Svadu).
  const hardwareDirty = extensions.includes('svadu') && !extensions.includes('svade')
  hart.writeCsr('medeleg', DELEGATED_EXCEPTIONS)
  hart.writeCsr('mideleg', DELEGATED_INTERRUPTS)
  hart.writeCsr('mcounteren', ALL_COUNTERS)
  hart.writeCsr('menvcfg', ENVIRONMENT | (hardwareDirty ? HARDWARE_DIRTY_BITS : 0n))
  hart.writeCsr('pmpaddr0', ALL_ADDRESSES)
  hart.writeCsr('pmpcfg0', OPEN)
}
