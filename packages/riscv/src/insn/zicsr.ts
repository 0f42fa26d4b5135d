import { Op } from '@doppel/wasm'
import { System } from '../causes.ts'
import type { Value } from '../machine.ts'
import { type Fields, insn, type Row } from './types.ts'

/**
 * A CSR access: the host reads, then writes, and answers with the old value. Whether a write happens at all is decided by
 * the register's *name* being x0 (or the immediate being 0), not by its value (Unpriv. §"Zicsr").
 */
const access =
  (
    write: number,
    source: (m: Parameters<Row['semantics']>[0], f: Fields) => { value: Value; none: Value },
  ): Row['semantics'] =>
  (m, f) => {
    const { value, none } = source(m, f)
    const number = m.op(Op.i32Shl, m.emitter.imm32(f.imm), m.i32(8))
    // csrrw always writes; set and clear with nothing to set or clear only read.
    const kind = write === System.csrWrite ? m.i32(write) : m.select(none(), m.i32(System.csrRead), m.i32(write))
    const old = m.emitter.system(m.op(Op.i32Or, number, kind), value(), m.c(0))
    m.setX(f.rd, m.emitter.fn.get(old))
    m.emitter.settle()
  }

const fromRegister: Parameters<typeof access>[1] = (m, f) => {
  const value = m.let(m.x(f.rs1))
  const known = m.emitter.known(f.rs1)
  return {
    value,
    none: () => (known === undefined ? m.op(Op.i32Eqz, m.word(m.emitter.small(f.rs1))) : m.i32(known === 0 ? 1 : 0)),
  }
}
const fromImmediate: Parameters<typeof access>[1] = (m, f) => {
  const value = m.let(m.emitter.small(f.uimm))
  return { value, none: () => m.op(Op.i64Eqz, value()) }
}

/** Control and status register instructions (Unpriv. ch. "Zicsr"). */
export const zicsr: readonly Row[] = [
  insn('csrrw', 'csr rs1 001 rd 1110011', access(System.csrWrite, fromRegister)),
  insn('csrrs', 'csr rs1 010 rd 1110011', access(System.csrSet, fromRegister)),
  insn('csrrc', 'csr rs1 011 rd 1110011', access(System.csrClear, fromRegister)),
  insn('csrrwi', 'csr uimm 101 rd 1110011', access(System.csrWrite, fromImmediate)),
  insn('csrrsi', 'csr uimm 110 rd 1110011', access(System.csrSet, fromImmediate)),
  insn('csrrci', 'csr uimm 111 rd 1110011', access(System.csrClear, fromImmediate)),
]
