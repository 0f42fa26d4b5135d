import type { FloatStatus, Isa } from '@doppel/engine'
import { Op } from '@doppel/wasm'
import { Cause } from './causes.ts'
import { writeFastCsr, writeHostCsr } from './fast-csr.ts'
import { linkFastFloat } from './float-fast.ts'
import { FLOAT_OPERATIONS, FLOAT_TYPES } from './float-runtime.ts'
import { rv64gc } from './insn/rv64gc.ts'
import { RiscvMachine } from './machine.ts'
import { STATE } from './state.ts'
import { writeTranslate } from './walk.ts'

/** RISC-V as the engine runs it. */
export function riscvIsa(contexts: number, seesCsrWrites = false): Isa<RiscvMachine> {
  return {
    name: 'riscv64',
    set: rv64gc,
    state: STATE,
    contexts,
    wrap: emitter => new RiscvMachine(emitter),
    illegal: (m, f) => m.emitter.trap(Cause.illegalInstruction, m.op(Op.i64ExtendI32U, m.emitter.imm32(f.imm))),
    // The hints for return-address stacks (Unpriv. §2.5.1).
    isReturn: ({ rd, rs1 }) => rd === 0 && (rs1 === 1 || rs1 === 5),
    writeTranslate,
    writeSystem: seesCsrWrites ? writeHostCsr : writeFastCsr,
    runtime: FLOAT_TYPES,
    linkRuntime: memory => linkFastFloat(exactFloat(memory), memory),
  }
}

/** The exact functions as generated code calls them: `(state, operands…, rounding mode)`, flags accrued in the state. */
export function exactFloat(memory: WebAssembly.Memory): Record<string, WebAssembly.ImportValue> {
  const words = new Int32Array(memory.buffer)
  const status: FloatStatus = { rounding: 0, flags: 0 }
  const functions = Object.entries(FLOAT_OPERATIONS).map(
    ([name, { operands, exact }]): [string, WebAssembly.ImportValue] => {
      const call: WebAssembly.ImportValue = (state: number, ...rest: (bigint | number)[]): bigint => {
        status.rounding = rest[operands] as number
        status.flags = 0
        const unsigned = (rest.slice(0, operands) as bigint[]).map(v => BigInt.asUintN(64, v))
        const result = exact(unsigned, status)
        if (status.flags !== 0) {
          const flags = (state + STATE.fields.fflags) >>> 2
          words[flags] = (words[flags] as number) | status.flags
          words[(state + STATE.fields.fs) >>> 2] = 3
        }
        return result
      }
      return [name, call] as const
    },
  )
  return Object.fromEntries(functions)
}
