import { System } from '../causes.ts'
import { insn, type Row } from './types.ts'

const returnFrom =
  (what: number): Row['semantics'] =>
  m =>
    m.emitter.systemJump(m.i32(what), m.c(0), m.c(0))

/** Drops translations by address (rs1) and address space (rs2); x0 means all, which the host cannot see in the value. */
const flush: Row['semantics'] = (m, f) => {
  m.emitter.system(m.i32(System.sfenceVma), m.x(f.rs1), m.x(f.rs2))
  m.emitter.settle()
}
/** The fences of Svinval order invalidations; ours are immediate, so only the privilege check remains. */
const orderOnly: Row['semantics'] = m => {
  m.emitter.system(m.i32(System.orderInvalidations), m.c(0), m.c(0))
  m.emitter.settle()
}

/** Privileged instructions (Priv. §3.3, ch. "Supervisor", ch. "Svinval"). */
export const privileged: readonly Row[] = [
  insn('sret', '0001000 00010 00000 000 00000 1110011', returnFrom(System.sret)),
  insn('mret', '0011000 00010 00000 000 00000 1110011', returnFrom(System.mret)),
  insn('wfi', '0001000 00101 00000 000 00000 1110011', m => {
    m.emitter.system(m.i32(System.wfi), m.c(0), m.c(0))
    m.emitter.settle()
  }),
  insn('sfence.vma', '0001001 rs2 rs1 000 00000 1110011', flush),
  insn('sinval.vma', '0001011 rs2 rs1 000 00000 1110011', flush),
  insn('sfence.w.inval', '0001100 00000 00000 000 00000 1110011', orderOnly),
  insn('sfence.inval.ir', '0001100 00001 00000 000 00000 1110011', orderOnly),
]
