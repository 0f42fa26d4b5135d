import { type Block, type Node, Op } from '@doppel/wasm'
import { readI2, readI4 } from '../class-file/bytes.ts'
import { instructionLength } from '../opcodes.ts'
import { JavaProblem } from '../problem.ts'
import { returnTargets, switchTable } from './blocks.ts'
import type { Frame } from './frame.ts'
import type { Entry } from './operand-stack.ts'
import { arm, wideForms } from './simple-arms.ts'

/** Keys that lie at most this many times wider than their number are switched on directly. */
const DENSITY = 4

function branch(f: Frame, condition: Node, code: Uint8Array): void {
  const { fn, stack } = f
  // The condition reads what flushing may overwrite.
  if (stack.depth > 0) {
    const held = f.stack.keep(condition)
    stack.flush()
    return split(f, fn.get(held), code)
  }
  split(f, condition, code)
}
function split(f: Frame, condition: Node, code: Uint8Array): void {
  const taken = f.flow.target(f.at + readI2(code, f.at + 1))
  const otherwise = f.flow.target(f.at + instructionLength(code, f.at))
  f.fn.branch(condition, taken, otherwise)
  f.flow.settleEdges()
}

const COMPARE_ZERO = ['i32Eq', 'i32Ne', 'i32LtS', 'i32GeS', 'i32GtS', 'i32LeS'] as const
arm(0x99, 0x9e, (f, code, op) => {
  const entry = f.stack.pop()
  const a = f.stack.use(entry)
  // The comparison before has taken this branch into account.
  if (entry === f.condition) return branch(f, a, code)
  if (op === 0x99) return branch(f, f.fn.op(Op.i32Eqz, a), code)
  if (op === 0x9a) return branch(f, a, code)
  branch(f, f.fn.op(Op[COMPARE_ZERO[op - 0x99] as 'i32Eq'], a, f.fn.i32(0)), code)
})
arm(0x9f, 0xa4, (f, code, op) => {
  const [a, b] = f.stack.popMany(2).map(e => f.stack.use(e))
  branch(f, f.fn.op(Op[COMPARE_ZERO[op - 0x9f] as 'i32Eq'], a, b), code)
})
arm(0xa5, 0xa6, (f, code, op) => {
  const [a, b] = f.stack.popMany(2).map(e => f.stack.use(e)) as [Node, Node]
  const same = f.gc.refEq(a, b)
  branch(f, op === 0xa5 ? same : f.fn.op(Op.i32Eqz, same), code)
})
arm(0xc6, 0xc7, (f, code, op) => {
  const isNull = f.gc.refIsNull(f.stack.use(f.stack.pop()))
  branch(f, op === 0xc6 ? isNull : f.fn.op(Op.i32Eqz, isNull), code)
})
arm(0xa7, 0xa7, (f, code) => f.flow.jump(f.at + readI2(code, f.at + 1)))
arm(0xc8, 0xc8, (f, code) => f.flow.jump(f.at + readI4(code, f.at + 1)))

// A subroutine’s return address is the offset to go on at, an int; `ret` chooses among those there are (JVMS §4.10.2.5).
const callSubroutine = (f: Frame, to: number, next: number): void => {
  f.stack.pushNode('I', f.fn.i32(next))
  f.flow.jump(to)
}
arm(0xa8, 0xa8, (f, code) => callSubroutine(f, f.at + readI2(code, f.at + 1), f.at + 3))
arm(0xc9, 0xc9, (f, code) => callSubroutine(f, f.at + readI4(code, f.at + 1), f.at + 5))
/** Goes back from a subroutine to the address in a variable. */
function returnFrom(f: Frame, index: number, code: Uint8Array): void {
  f.stack.flush()
  const cases = returnTargets(code, f.at).map(to => [to, f.flow.target(to)] as const)
  const [first] = cases
  if (!first) throw new JavaProblem('java/lang/VerifyError', `ret at ${f.at} belongs to no subroutine`)
  search(f, () => f.fn.get(f.stack.variable(index, 'I')), cases, first[1])
  f.flow.settleEdges()
}
arm(0xa9, 0xa9, (f, code) => returnFrom(f, code[f.at + 1] as number, code))
wideForms.set(0xa9, returnFrom)

arm(0xaa, 0xab, (f, code) => {
  const { fn, stack } = f
  const { targets, fallback } = switchTable(code, f.at)
  const key = f.stack.keep(stack.use(stack.pop()))
  stack.flush()
  const sorted = [...targets].sort((a, b) => a[0] - b[0])
  const blocks = new Map<number, Block>()
  const to = (target: number): Block => {
    let block = blocks.get(target)
    if (block === undefined) blocks.set(target, (block = f.flow.target(target)))
    return block
  }
  const other = to(fallback)
  search(
    f,
    () => fn.get(key),
    sorted.map(([k, t]) => [k, to(t)] as const),
    other,
  )
  f.flow.settleEdges()
})

/** Binary search down to dense stretches, each a table. */
function search(f: Frame, key: () => Node, cases: readonly (readonly [key: number, to: Block])[], other: Block): void {
  const { fn } = f
  const [first] = cases
  const last = cases[cases.length - 1]
  if (!first || !last) return fn.jump(other)
  if (cases.length === 1) {
    return fn.branch(fn.op(Op.i32Eq, key(), fn.i32(first[0])), first[1], other)
  }
  const span = last[0] - first[0] + 1
  if (span <= cases.length * DENSITY) {
    const table = Array.from({ length: span }, () => other)
    for (const [k, to] of cases) table[k - first[0]] = to
    return fn.switch(fn.op(Op.i32Sub, key(), fn.i32(first[0])), table, other)
  }
  const middle = cases.length >> 1
  const [low, high] = [fn.block(), fn.block()]
  fn.branch(fn.op(Op.i32LtS, key(), fn.i32((cases[middle] as readonly [number, Block])[0])), low, high)
  fn.at(low)
  search(f, key, cases.slice(0, middle), other)
  fn.at(high)
  search(f, key, cases.slice(middle), other)
}

arm(0xac, 0xb0, f => f.leave(f.stack.use(f.stack.pop())))
arm(0xb1, 0xb1, f => f.leave())
arm(0xbf, 0xbf, f => {
  const exception = f.stack.pop()
  const local = f.stack.hold(exception)
  f.mark()
  f.fn.if(f.gc.refIsNull(f.fn.get(local)), 'unlikely')
  f.fn.effect(f.support('npe'))
  f.fn.end()
  f.debug?.throwing()
  f.handlers.throw(local)
})
const monitor = (f: Frame, name: string, e: Entry): void => {
  f.mark()
  f.fn.effect(f.support(name, f.stack.use(e)))
}
arm(0xc2, 0xc2, f => monitor(f, 'monitorEnter', f.stack.pop()))
arm(0xc3, 0xc3, f => monitor(f, 'monitorExit', f.stack.pop()))
