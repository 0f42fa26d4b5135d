import { Irq } from './causes.ts'
import { Mstatus } from './csr.ts'
import type { Hart } from './hart.ts'
import { STATE } from './state.ts'

const F = STATE.fields
const PRIVILEGE_M = 3
const PRIVILEGE_S = 1
/** Interrupts in the order they are taken (Priv. §3.1.9). */
const INTERRUPT_ORDER = [Irq.mei, Irq.msi, Irq.mti, Irq.sei, Irq.ssi, Irq.sti]
/** The top bit of a cause's high word. */
const INTERRUPT = 1 << 31
/** mstatus's bits, all in its low word. */
const SIE = Number(Mstatus.sie)
const MIE = Number(Mstatus.mie)
const SPIE = Number(Mstatus.spie)
const MPIE = Number(Mstatus.mpie)
const SPP = Number(Mstatus.spp)
const MPP = Number(Mstatus.mpp)
const MPP_SHIFT = Number(Mstatus.mppShift)
const MPRV = Number(Mstatus.mprv)

/** The cause of the interrupt to take now, if any (Priv. §3.1.9). One that is merely pending ends a wait. */
export function enabledInterrupt(h: Hart): number | undefined {
  const pending = h.pendingNow() & h.word(F.mie)
  if (pending === 0) return undefined
  h.waiting = false
  const status = h.word(F.mstatus)
  const delegated = h.word(F.mideleg)
  const { privilege } = h
  const forMachine = privilege < PRIVILEGE_M || (status & MIE) !== 0 ? pending & ~delegated : 0
  const open = privilege < PRIVILEGE_S || (privilege === PRIVILEGE_S && (status & SIE) !== 0)
  const enabled = forMachine !== 0 ? forMachine : open ? pending & delegated : 0
  return INTERRUPT_ORDER.find(bit => ((enabled >> bit) & 1) !== 0)
}

/**
 * Enters the handler of M- or S-mode, as delegation says (Priv. §3.1.6.1, §3.1.7, §3.1.8); pc is the trap's, and an
 * exception reports what the state has as tval.
 */
export function enterTrap(h: Hart, cause: number, interrupt: boolean): void {
  // What one context reserved another must not complete; software then need not give it up itself.
  giveUpReservation(h)
  const { privilege } = h
  const delegation = h.word(interrupt ? F.mideleg : F.medeleg)
  const supervisor = privilege <= PRIVILEGE_S && ((delegation >> cause) & 1) !== 0
  const status = h.word(F.mstatus)
  if (supervisor) {
    const wasEnabled = (status & SIE) !== 0
    const cleared = status & ~(SIE | SPIE | SPP)
    h.setWord(F.mstatus, cleared | (wasEnabled ? SPIE : 0) | (privilege === PRIVILEGE_S ? SPP : 0))
  } else {
    const wasEnabled = (status & MIE) !== 0
    h.setWord(F.mstatus, (status & ~(MIE | MPIE | MPP)) | (wasEnabled ? MPIE : 0) | (privilege << MPP_SHIFT))
  }
  h.setWord(F.priv, supervisor ? PRIVILEGE_S : PRIVILEGE_M)
  h.copy(STATE.common.pc, supervisor ? F.sepc : F.mepc)
  h.setWords(supervisor ? F.scause : F.mcause, cause, interrupt ? INTERRUPT : 0)
  if (interrupt) h.setWords(supervisor ? F.stval : F.mtval, 0, 0)
  else h.copy(STATE.common.tval, supervisor ? F.stval : F.mtval)
  const base = supervisor ? F.stvec : F.mtvec
  h.copy(base, STATE.common.pc)
  // Bits 1:0 are the mode: 1 gives each interrupt a handler of its own.
  const mode = h.word(base) & 3
  if (mode !== 0) h.pc = (h.pc & ~3n) + (interrupt && (mode & 1) !== 0 ? BigInt(cause) * 4n : 0n)
}

/** sret and mret: back to where, and as what, the trap came (Priv. §3.3.2). */
export function leaveTrap(h: Hart, from: 'sret' | 'mret'): void {
  giveUpReservation(h)
  const status = h.word(F.mstatus)
  const supervisor = from === 'sret'
  const cameFromS = (status & SPP) !== 0 ? PRIVILEGE_S : 0
  const previous = supervisor ? cameFromS : (status & MPP) >> MPP_SHIFT
  const enable = supervisor ? SIE : MIE
  const enabledBefore = supervisor ? SPIE : MPIE
  const restored = ((status & enabledBefore) !== 0 ? status | enable : status & ~enable) | enabledBefore
  const left = restored & (supervisor ? ~SPP : ~MPP)
  h.setWord(F.mstatus, previous < PRIVILEGE_M ? left & ~MPRV : left)
  h.setWord(F.priv, previous)
  h.copy(supervisor ? F.sepc : F.mepc, STATE.common.pc)
}

/** No aligned address is all ones. */
function giveUpReservation(h: Hart): void {
  h.setWords(F.reservation, -1, -1)
}
