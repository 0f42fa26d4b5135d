import type { RiscvHart } from '@doppel/base'
import {
  failure,
  SBI_ERR_ALREADY_STARTED,
  SBI_ERR_ALREADY_STOPPED,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiExtension,
  type SbiFunction,
  success,
} from './abi.ts'

/** Performance monitoring, SBI 2.0 §11. Two hardware counters, cycle and instret; no firmware counters. */
const PMU: SbiExtension = { name: 'PMU', id: 0x50_4d55 }

/** A counter by its logical index: the CSR S-mode reads, the one behind it, its mcountinhibit bit and its event. */
const COUNTERS = [
  { csr: 0xc00, machineCsr: 'mcycle', inhibitBit: 0n, event: 1n },
  { csr: 0xc02, machineCsr: 'minstret', inhibitBit: 2n, event: 2n },
] as const

/** Logical counters of each hart. */
export const PMU_COUNTERS: number = COUNTERS.length

/** counter_info: width less one in bits 17:12, CSR number in 11:0; type 0 (hardware) in the top bit. */
const WIDTH_64 = 63 << 12
const SKIP_MATCH = 1n
const CLEAR_VALUE = 2n
const AUTO_START = 4n
const SET_INIT_VALUE = 1n
const RESET = 1n

/** The rows of PMU. */
export const pmuFunctions: readonly SbiFunction[] = [
  { extension: PMU, name: 'num_counters', functionId: 0, run: () => success(COUNTERS.length) },
  {
    extension: PMU,
    name: 'counter_get_info',
    functionId: 1,
    run: (_platform, _caller, [index]) => {
      const counter = index < BigInt(COUNTERS.length) ? COUNTERS[Number(index)] : undefined
      return counter === undefined ? failure(SBI_ERR_INVALID_PARAM) : success(counter.csr | WIDTH_64)
    },
  },
  {
    extension: PMU,
    name: 'counter_config_matching',
    functionId: 2,
    run: (_platform, caller, [base, mask, flags, event]) => {
      const indexes = countersOf(base, mask)
      if (indexes === undefined) return failure(SBI_ERR_INVALID_PARAM)
      // The inhibit flags are hints (mode filtering needs Sscofpmf, which these counters lack), so they change nothing.
      const skip = (flags & SKIP_MATCH) !== 0n
      const index = skip
        ? indexes[0]
        : indexes.find(i => COUNTERS[i]?.event === event && caller.counters[i] !== 'started')
      if (index === undefined) return failure(SBI_ERR_NOT_SUPPORTED)
      const counter = COUNTERS[index]
      if (counter === undefined) return failure(SBI_ERR_INVALID_PARAM)
      if ((flags & CLEAR_VALUE) !== 0n) caller.hart.writeCsr(counter.machineCsr, 0n)
      const start = (flags & AUTO_START) !== 0n
      inhibit(caller.hart, counter.inhibitBit, !start)
      caller.counters[index] = start ? 'started' : 'stopped'
      return success(index)
    },
  },
  {
    extension: PMU,
    name: 'counter_start',
    functionId: 3,
    run: (_platform, caller, [base, mask, flags, initial]) =>
      onEach(base, mask, SBI_ERR_ALREADY_STARTED, (index, counter) => {
        if (caller.counters[index] === 'started') return false
        if ((flags & SET_INIT_VALUE) !== 0n) caller.hart.writeCsr(counter.machineCsr, initial)
        inhibit(caller.hart, counter.inhibitBit, false)
        caller.counters[index] = 'started'
        return true
      }),
  },
  {
    extension: PMU,
    name: 'counter_stop',
    functionId: 4,
    run: (_platform, caller, [base, mask, flags]) =>
      onEach(base, mask, SBI_ERR_ALREADY_STOPPED, (index, counter) => {
        const wasStarted = caller.counters[index] === 'started'
        inhibit(caller.hart, counter.inhibitBit, true)
        caller.counters[index] = (flags & RESET) !== 0n ? 'free' : 'stopped'
        return wasStarted
      }),
  },
  // Every counter is a hardware one, which these two refuse; a snapshot area needs overflow interrupts to be of use.
  { extension: PMU, name: 'counter_fw_read', functionId: 5, run: () => failure(SBI_ERR_INVALID_PARAM) },
  { extension: PMU, name: 'counter_fw_read_hi', functionId: 6, run: () => failure(SBI_ERR_INVALID_PARAM) },
  { extension: PMU, name: 'snapshot_set_shmem', functionId: 7, run: () => failure(SBI_ERR_NOT_SUPPORTED) },
]

/** The logical indexes of a counter set; undefined when one names no counter. */
function countersOf(base: bigint, mask: bigint): number[] | undefined {
  const indexes: number[] = []
  for (let bit = 0n; bit < 64n; bit++) {
    if (((mask >> bit) & 1n) === 0n) continue
    if (base + bit >= BigInt(COUNTERS.length)) return undefined
    indexes.push(Number(base + bit))
  }
  return indexes
}

/** Acts on every counter of a set; `refusal` when `act` said of one that it already was so. */
function onEach(
  base: bigint,
  mask: bigint,
  refusal: number,
  act: (index: number, counter: (typeof COUNTERS)[number]) => boolean,
): ReturnType<SbiFunction['run']> {
  const indexes = countersOf(base, mask)
  if (indexes === undefined) return failure(SBI_ERR_INVALID_PARAM)
  let refused = false
  for (const index of indexes) {
    const counter = COUNTERS[index]
    if (counter !== undefined && !act(index, counter)) refused = true
  }
  return refused ? failure(refusal) : success()
}

function inhibit(hart: RiscvHart, bit: bigint, stopped: boolean): void {
  const now = hart.readCsr('mcountinhibit')
  hart.writeCsr('mcountinhibit', stopped ? now | (1n << bit) : now & ~(1n << bit))
}
