import { Irq } from './causes.ts'
import { Mstatus } from './csr.ts'
import type { Hart } from './hart.ts'

const PRIVILEGE_M = 3
const PRIVILEGE_S = 1
/** Interrupts in the order they are taken (Priv. §3.1.9). */
const INTERRUPT_ORDER = [Irq.mei, Irq.msi, Irq.mti, Irq.sei, Irq.ssi, Irq.sti]
const INTERRUPT_BIT = 1n << 63n
/** What `reservation` holds without one: no aligned address. */
const NO_RESERVATION = 0xffff_ffff_ffff_ffffn

/** The cause of the interrupt to take now, if any (Priv. §3.1.9). One that is merely pending ends a wait. */
export function enabledInterrupt(h: Hart): number | undefined {
  const pending = h.pending() & h.get('mie')
  if (pending === 0n) return undefined
  h.waiting = false
  const status = h.get('mstatus')
  const delegated = h.get('mideleg')
  const privilege = h.privilege
  const forMachine = privilege < PRIVILEGE_M || (status & Mstatus.mie) !== 0n ? pending & ~delegated : 0n
  const open = privilege < PRIVILEGE_S || (privilege === PRIVILEGE_S && (status & Mstatus.sie) !== 0n)
  const enabled = forMachine !== 0n ? forMachine : open ? pending & delegated : 0n
  return INTERRUPT_ORDER.find(bit => (enabled >> BigInt(bit)) & 1n)
}

/** Enters the handler of M- or S-mode, as delegation says; pc is the trap's (Priv. §3.1.6.1, §3.1.7, §3.1.8). */
export function enterTrap(h: Hart, cause: number, tval: bigint, interrupt: boolean): void {
  // What one context reserved another must not complete; software then need not give it up itself.
  h.set('reservation', NO_RESERVATION)
  const privilege = h.privilege
  const delegation = h.get(interrupt ? 'mideleg' : 'medeleg')
  const supervisor = privilege <= PRIVILEGE_S && ((delegation >> BigInt(cause)) & 1n) !== 0n
  const code = interrupt ? BigInt(cause) | INTERRUPT_BIT : BigInt(cause)
  let status = h.get('mstatus')
  if (supervisor) {
    const wasEnabled = (status & Mstatus.sie) !== 0n
    status &= ~(Mstatus.sie | Mstatus.spie | Mstatus.spp)
    status |= (wasEnabled ? Mstatus.spie : 0n) | (privilege === PRIVILEGE_S ? Mstatus.spp : 0n)
    h.set('sepc', h.pc)
    h.set('scause', code)
    h.set('stval', tval)
    h.set('priv', BigInt(PRIVILEGE_S))
  } else {
    const wasEnabled = (status & Mstatus.mie) !== 0n
    status &= ~(Mstatus.mie | Mstatus.mpie | Mstatus.mpp)
    status |= (wasEnabled ? Mstatus.mpie : 0n) | (BigInt(privilege) << Mstatus.mppShift)
    h.set('mepc', h.pc)
    h.set('mcause', code)
    h.set('mtval', tval)
    h.set('priv', BigInt(PRIVILEGE_M))
  }
  h.set('mstatus', status)
  const vector = h.get(supervisor ? 'stvec' : 'mtvec')
  h.pc = (vector & ~3n) + (interrupt && (vector & 1n) !== 0n ? BigInt(cause) * 4n : 0n)
}

/** sret and mret: back to where, and as what, the trap came (Priv. §3.3.2). */
export function leaveTrap(h: Hart, from: 'sret' | 'mret'): void {
  h.set('reservation', NO_RESERVATION)
  let status = h.get('mstatus')
  const supervisor = from === 'sret'
  const cameFromS = (status & Mstatus.spp) !== 0n ? PRIVILEGE_S : 0
  const previous = supervisor ? cameFromS : Number((status & Mstatus.mpp) >> Mstatus.mppShift)
  const enable = supervisor ? Mstatus.sie : Mstatus.mie
  const enabledBefore = supervisor ? Mstatus.spie : Mstatus.mpie
  status = (status & enabledBefore) !== 0n ? status | enable : status & ~enable
  status |= enabledBefore
  status &= ~(supervisor ? Mstatus.spp : Mstatus.mpp)
  if (previous < PRIVILEGE_M) status &= ~Mstatus.mprv
  h.set('mstatus', status)
  h.set('priv', BigInt(previous))
  h.pc = h.get(supervisor ? 'sepc' : 'mepc')
}
