import { DoppelError } from '@doppel/base'
import { Request } from '@doppel/engine'
import { Cause, System } from './causes.ts'
import { CSRS, IllegalAccess, Mstatus } from './csr.ts'
import type { Hart } from './hart.ts'
import type { Observers } from './observers.ts'
import { STATE } from './state.ts'
import { leaveTrap } from './trap.ts'

const TSR = Number(Mstatus.tsr)

/** Does a system instruction, as far as generated code has not; `what` is one of `System` in its low byte. Returns its result. */
export function runSystem(observers: Observers, h: Hart, what: number, a: bigint): bigint {
  switch (what & 0xff) {
    case System.csrRead:
    case System.csrWrite:
    case System.csrSet:
    case System.csrClear:
      return accessCsr(observers, h, (what >>> 8) & 0xfff, what & 0xff, a)
    case System.ecall:
      h.raise([Cause.ecallFromU, Cause.ecallFromS, 0, Cause.ecallFromM][h.privilege] as number, 0n)
      return 0n
    case System.ebreak:
      h.raise(Cause.breakpoint, h.pc)
      return 0n
    case System.sret:
    case System.mret:
      return leave(observers, h, (what & 0xff) === System.sret ? 'sret' : 'mret')
    case System.wfi:
      return wait(h)
    case System.sfenceVma:
      return fence(h, a)
    case System.orderInvalidations:
      return h.privilege === 0 ? illegal(h) : 0n
    case System.fenceI:
      h.flushInstructions()
      h.request(Request.leaveAfter)
      return 0n
    default:
      throw new DoppelError('internal.system', `no system operation ${what}`)
  }
}

function illegal(h: Hart): bigint {
  h.raise(Cause.illegalInstruction, 0n)
  return 0n
}

function accessCsr(observers: Observers, h: Hart, number: number, kind: number, value: bigint): bigint {
  const csr = CSRS.get(number)
  const writes = kind !== System.csrRead
  // The number itself says who may access it: bits 9:8 the privilege, 11:10 both set read-only.
  if (!csr || h.privilege < ((number >> 8) & 3) || (writes && number >> 10 === 3)) return illegal(h)
  try {
    const old = csr.read(h)
    if (writes) {
      const base = csr.readToModify?.(h) ?? old
      const next = kind === System.csrWrite ? value : kind === System.csrSet ? base | value : base & ~value
      csr.write?.(h, next)
      observers.csrWritten?.(h, csr.name, next)
    }
    return BigInt.asIntN(64, old)
  } catch (error) {
    if (error instanceof IllegalAccess) return illegal(h)
    throw error
  }
}

function leave(observers: Observers, h: Hart, from: 'sret' | 'mret'): bigint {
  const isTrapped = h.privilege === 1 && (h.word(STATE.fields.mstatus) & TSR) !== 0
  if (from === 'mret' ? h.privilege < 3 : h.privilege < 1 || isTrapped) return illegal(h)
  leaveTrap(h, from)
  h.statusChanged()
  h.hasReturned = observers.returned !== undefined
  h.request(Request.leaveNow)
  return 0n
}

function wait(h: Hart): bigint {
  const trapped = h.privilege < 3 && (h.long(STATE.fields.mstatus) & Mstatus.tw) !== 0n
  if (trapped || h.privilege === 0) return illegal(h)
  h.wait()
  h.request(Request.leaveAfter)
  return 0n
}

function fence(h: Hart, address: bigint): bigint {
  const trapped = h.privilege === 1 && (h.long(STATE.fields.mstatus) & Mstatus.tvm) !== 0n
  if (trapped || h.privilege === 0) return illegal(h)
  if (address === 0n) h.flushTlb()
  else h.flushTlb({ start: address, lengthBytes: 1n })
  h.request(Request.leaveAfter)
  return 0n
}
