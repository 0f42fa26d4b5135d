import { Mstatus } from './csr.ts'
import { CONTEXT } from './state.ts'

/** What decides whether an access is allowed, besides the page tables. */
export interface AccessRules {
  readonly privilege: number
  readonly sum: boolean
  readonly mxr: boolean
}

const PRIVILEGE_M = 3
const PRIVILEGE_S = 1

const MPRV = Number(Mstatus.mprv)
const MPP = Number(Mstatus.mpp)
const MPP_SHIFT = Number(Mstatus.mppShift)
const SUM = Number(Mstatus.sum)
const MXR = Number(Mstatus.mxr)

/** What mstatus, its low word, allows data accesses at a privilege (Priv. §3.1.6.3). */
export function dataRules(mstatus: number, privilege: number): AccessRules {
  const mprv = (mstatus & MPRV) !== 0 && privilege === PRIVILEGE_M
  return {
    privilege: mprv ? (mstatus & MPP) >> MPP_SHIFT : privilege,
    sum: (mstatus & SUM) !== 0,
    mxr: (mstatus & MXR) !== 0,
  }
}

/** The translation context for a privilege and mstatus's MXR and SUM. */
export function contextFor(privilege: number, mxr: boolean, sum: boolean): number {
  if (mxr) return CONTEXT.other
  if (privilege === 0) return CONTEXT.user
  if (privilege === PRIVILEGE_S) return sum ? CONTEXT.supervisorSum : CONTEXT.supervisor
  return CONTEXT.other
}

/** As a mask, the contexts that generated code may fill while one is in force: it goes from one of S-mode's to the other by itself. */
export function contextsWith(context: number): number {
  const supervisor = context === CONTEXT.supervisor || context === CONTEXT.supervisorSum
  return supervisor ? (1 << CONTEXT.supervisor) | (1 << CONTEXT.supervisorSum) : 1 << context
}
