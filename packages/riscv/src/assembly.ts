import { type Assembly, assemblyOf } from '@doppel/engine'
import { CSRS_BY_NAME } from './csr.ts'
import { CONTEXTS } from './state.ts'
import { riscvIsa } from './isa.ts'
import { PSEUDO } from './pseudo.ts'

/** ABI names of the registers (RISC-V Calling Conventions §"Register Convention"). */
const X = 'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
  ' ',
)
const F =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'.split(
    ' ',
  )
/** By register file, in their order. */
export const REGISTER_NAMES: { readonly x: readonly string[]; readonly f: readonly string[] } = { x: X, f: F }
const ROUNDING = ['rne', 'rtz', 'rdn', 'rup', 'rmm']
const DYNAMIC_ROUNDING = 7

/** RISC-V's assembly language, as far as it follows from the rows, and the usual pseudo-instructions. */
export const riscvAssembly: Assembly = assemblyOf(
  riscvIsa(CONTEXTS),
  {
    registers: REGISTER_NAMES,
    defaultFile: 'x',
    implied: [0, 1],
    values: {
      csr: new Map([...CSRS_BY_NAME].map(([name, { number }]) => [name, number])),
      rm: new Map([...ROUNDING.map((name, i) => [name, i] as const), ['dyn', DYNAMIC_ROUNDING]]),
    },
    defaults: { rm: DYNAMIC_ROUNDING },
    sets: { pred: 'iorw', succ: 'iorw' },
    suffixes: ['aq', 'rl'],
  },
  PSEUDO,
)
