import { Op } from '@doppel/wasm'
import { ExecutionError } from '../execution-errors.ts'
import { HALT, type HostMachine } from '../host-machine.ts'
import type { Ops, Value } from '../ops.ts'
import { hostRow, type Instruction, row } from '../row.ts'
import { BREAKPOINTS, Syscom } from '../syscom.ts'

/** From this value of BUGSTATE on, every breakpoint counts. */
const DEBUGGER_STOPS_ALWAYS = 3

/** Jumps, calls, returns. */
export const CONTROL_ROWS: readonly Instruction[] = [
  row(185, 'UJP', 'SB', '→', 'Jump: forwards by bytes, or through the jump table.', (m, a) =>
    m.setIpc(m.jumpTarget(a())),
  ),
  row(161, 'FJP', 'SB', 'boolean →', 'Jump if false.', (m, a) => {
    const value = m.pop()
    jumpIf(m, m.fn.op(Op.i32Eqz, m.fn.op(Op.i32And, value(), m.fn.i32(1))), a)
  }),
  row(211, 'EFJ', 'SB', 'word word →', 'Jump if not equal.', (m, a) => {
    const [y, x] = [m.pop(), m.pop()]
    jumpIf(m, m.fn.op(Op.i32Ne, x(), y()), a)
  }),
  row(212, 'NFJ', 'SB', 'word word →', 'Jump if equal.', (m, a) => {
    const [y, x] = [m.pop(), m.pop()]
    jumpIf(m, m.fn.op(Op.i32Eq, x(), y()), a)
  }),
  row(
    172,
    'XJP',
    '',
    'integer →',
    'Case jump: on a word boundary the lowest and highest case, a UJP for all others, a table.',
    caseJump,
    { tail: 'cases' },
  ),
  row(206, 'CLP', 'UB', 'parameters →', 'Call local procedure: a child of this one.', (m, a) =>
    m.call(undefined, a(), 'local'),
  ),
  row(207, 'CGP', 'UB', 'parameters →', 'Call global procedure: a child of the base one.', (m, a) =>
    m.call(undefined, a(), 'global'),
  ),
  row(174, 'CIP', 'UB', 'parameters →', 'Call intermediate procedure, by its lexical level.', (m, a) =>
    m.call(undefined, a(), 'lexical'),
  ),
  row(194, 'CBP', 'UB', 'parameters →', 'Call base procedure.', (m, a) => m.call(undefined, a(), 'base')),
  row(
    205,
    'CXP',
    'UB UB',
    'parameters →',
    'Call external procedure: of another segment, loaded if need be.',
    (m, a, b) => m.call(a, b(), 'lexical'),
  ),
  row(173, 'RNP', 'DB', '→ result', 'Return from a procedure with so many words of result.', (m, a) =>
    m.return(a, false),
  ),
  row(193, 'RBP', 'DB', '→ result', 'Return from a base procedure.', (m, a) => m.return(a, true)),
  hostRow(158, 'CSP', 'UB', 'parameters → result', 'Call standard procedure.', (m, procedure) => m.standard(procedure)),
  hostRow(213, 'BPT', 'B', '→', 'Breakpoint at a line, if the debugger has set it.', breakpoint),
  hostRow(214, 'XIT', '', '→', 'Leave the system.', () => HALT),
  row(215, 'NOP', '', '→', 'Nothing.', () => undefined),
]

function jumpIf(m: Ops, condition: number, displacement: Value): void {
  const { fn } = m
  const [taken, done] = [fn.block(), fn.block()]
  fn.branch(condition, taken, done)
  fn.at(taken)
  m.setIpc(m.jumpTarget(displacement()))
  fn.jump(done)
  fn.at(done)
}

function caseJump(m: Ops): void {
  const { fn } = m
  const value = m.popSigned()
  const at = fn.let(fn.op(Op.i32And, fn.op(Op.i32Add, m.ipc(), fn.i32(1)), fn.i32(-2)))
  const signed = (offset: number): number =>
    fn.op(Op.i32Extend16S, m.word(fn.op(Op.i32Add, fn.get(at), fn.i32(offset))))
  const low = fn.let(signed(0))
  const high = fn.let(signed(2))
  m.setIpc(fn.op(Op.i32Add, fn.get(at), fn.i32(4)))
  const [inside, done] = [fn.block(), fn.block()]
  const below = fn.op(Op.i32LtS, value(), fn.get(low))
  fn.branch(fn.op(Op.i32Or, below, fn.op(Op.i32GtS, value(), fn.get(high))), done, inside)
  fn.at(inside)
  const index = fn.op(Op.i32Sub, value(), fn.get(low))
  // Behind the bounds stand the two bytes of the UJP.
  const entry = fn.let(m.plusWords(fn.op(Op.i32Add, fn.get(at), fn.i32(6)), index))
  m.setIpc(fn.op(Op.i32Sub, fn.get(entry), m.word(fn.get(entry))))
  fn.jump(done)
  fn.at(done)
}

function breakpoint(m: HostMachine, line: number): number | undefined {
  const set = Array.from({ length: BREAKPOINTS }, (_, i) => m.word(m.syscom + Syscom.breakpoints + 2 * i))
  const stops = m.word(m.syscom + Syscom.bugState) >= DEBUGGER_STOPS_ALWAYS || set.includes(line)
  return stops ? ExecutionError.breakpoint : undefined
}
