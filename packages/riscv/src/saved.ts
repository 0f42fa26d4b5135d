import type { Hart } from './hart.ts'
import { parseSatp } from './paging.ts'
import { PMP_ENTRIES } from './pmp.ts'
import { STATE, type StateField } from './state.ts'

/** A hart as a snapshot has it: version 1. Registers by number; fields by name (see `STATE`). */
export interface HartState {
  readonly pc: bigint
  readonly x: readonly bigint[]
  readonly f: readonly bigint[]
  readonly fields: { readonly [name: string]: bigint }
  readonly pmpConfig: readonly bigint[]
  readonly pmpAddress: readonly bigint[]
  readonly private: HartPrivateState
}

/** What a hart keeps to itself. */
export interface HartPrivateState {
  readonly running: boolean
  /** Levels of interrupt wires, as bits of mip. */
  readonly lines: bigint
  readonly retired: bigint
}

/** Addresses of this host, and what follows from other fields: not of the machine's state. */
const NOT_SAVED: ReadonlySet<string> = new Set(['reservation', 'reserved', 'walk', 'root', 'seen', 'lines'])
const NO_RESERVATION = 0xffff_ffff_ffff_ffffn
const REGISTERS = Array.from({ length: 32 }, (_, i) => i)
/** pmpcfg registers of RV64 are the even ones, eight entries each. */
const PMP_CONFIGS = Array.from({ length: PMP_ENTRIES / 8 }, (_, i) => 2 * i)
const PMP_ADDRESSES = Array.from({ length: PMP_ENTRIES }, (_, i) => i)
const savedFields = (): StateField[] => (Object.keys(STATE.fields) as StateField[]).filter(name => !NOT_SAVED.has(name))

/** What one thread tells another of a hart that changes between them; the rest is in memory. */
export type HartHandover = Pick<HartState, 'pmpConfig' | 'pmpAddress'> & {
  readonly running: boolean
  readonly retired: bigint
}

/** Gives a hart away, between slices. */
export function handOver(hart: Hart): HartHandover {
  const { running, retired } = hart.savePrivate()
  return { ...savePmp(hart), running, retired }
}
/** Takes over a hart that another thread gave away. */
export function takeOver(hart: Hart, handover: HartHandover): void {
  restorePmp(hart, handover)
  hart.walker.satp = parseSatp(hart.get('satp')) ?? { levels: 0, root: 0 }
  hart.adopt(handover.running, handover.retired)
  hart.environmentChanged()
  hart.statusChanged()
}

type PmpState = Pick<HartState, 'pmpConfig' | 'pmpAddress'>
function savePmp(hart: Hart): PmpState {
  return {
    pmpConfig: PMP_CONFIGS.map(index => hart.pmp.readConfig(index)),
    pmpAddress: PMP_ADDRESSES.map(entry => hart.pmp.readAddress(entry)),
  }
}
function restorePmp(hart: Hart, state: PmpState): void {
  // Addresses first: a locked entry takes no more writes.
  for (const entry of PMP_ADDRESSES) hart.pmp.writeAddress(entry, state.pmpAddress[entry] ?? 0n)
  for (const [i, index] of PMP_CONFIGS.entries()) hart.pmp.writeConfig(index, state.pmpConfig[i] ?? 0n)
}

/** A hart's whole state; asked for between slices. */
export function saveHart(hart: Hart): HartState {
  return {
    pc: hart.pc,
    x: REGISTERS.map(register => hart.x(register)),
    f: REGISTERS.map(register => hart.f(register)),
    fields: Object.fromEntries(savedFields().map(name => [name, hart.get(name)])),
    ...savePmp(hart),
    private: hart.savePrivate(),
  }
}

/** Makes a new hart what another was. What waits in WFI looks again, which WFI allows. */
export function restoreHart(hart: Hart, state: HartState): void {
  hart.pc = state.pc
  for (const register of REGISTERS) {
    hart.setX(register, state.x[register] ?? 0n)
    hart.setF(register, state.f[register] ?? 0n)
  }
  for (const name of savedFields()) hart.set(name, state.fields[name] ?? 0n)
  hart.set('reservation', NO_RESERVATION)
  restorePmp(hart, state)
  hart.walker.satp = parseSatp(hart.get('satp')) ?? { levels: 0, root: 0 }
  hart.restorePrivate(state.private)
  hart.environmentChanged()
  hart.statusChanged()
}

/** A hart's state as the same hart can take it back, with what another may do without. */
export interface ExactState {
  readonly hart: HartState
  /** Of lr: its address and the value read. */
  readonly reservation: bigint
  readonly reserved: bigint
  readonly waiting: boolean
  readonly exceptions: number
  readonly interrupts: number
}

/** All that a hart's next turn hangs on; asked for between turns. */
export function saveExactly(hart: Hart): ExactState {
  const { waiting, stats } = hart
  const [reservation, reserved] = [hart.get('reservation'), hart.get('reserved')]
  return { hart: saveHart(hart), reservation, reserved, waiting, ...stats }
}

/** Makes a hart what it was; between turns. */
export function restoreExactly(hart: Hart, state: ExactState): void {
  hart.pmp.reset()
  restoreHart(hart, state.hart)
  hart.set('reservation', state.reservation)
  hart.set('reserved', state.reserved)
  hart.waiting = state.waiting
  hart.stepsNext = false
  hart.stats.exceptions = state.exceptions
  hart.stats.interrupts = state.interrupts
}
