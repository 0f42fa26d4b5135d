import { ExecutionError } from '../execution-errors.ts'
import { Syscom } from '../syscom.ts'
import { IoResult } from '../units/io-result.ts'
import { procedure, type StandardMachine, type StandardProcedure } from './standard-row.ts'

/** Standard procedures of input and output. */
export const UNIT_PROCEDURES: readonly StandardProcedure[] = [
  procedure(0, 'IOC', '→', 'Raise an error if the last input or output failed.', m =>
    m.word(m.syscom + Syscom.ioResult) === IoResult.ok ? undefined : ExecutionError.userIo,
  ),
  procedure(34, 'IOR', '→ result', 'How the last input or output ended.', m => {
    m.push(m.word(m.syscom + Syscom.ioResult))
    return undefined
  }),
  procedure(5, 'UREAD', 'unit address index bytes block mode →', 'Read from a unit.', m => {
    const { unit, address, bytes, block } = popTransfer(m)
    return ended(m, m.units.read(m, unit, address, bytes, block))
  }),
  procedure(6, 'UWRITE', 'unit address index bytes block mode →', 'Write to a unit.', m => {
    const { unit, address, bytes, block, mode } = popTransfer(m)
    return ended(m, m.units.write(m, unit, address, bytes, block, mode))
  }),
  procedure(12, 'USTAT', 'unit address index mode →', 'Store how much input a unit has.', m => {
    m.pop()
    const address = m.pop() + m.pop()
    const status = m.units.status(m.pop())
    if (status !== undefined) m.setWord(address, status)
    return ended(m, status === undefined ? IoResult.noUnit : IoResult.ok)
  }),
  procedure(35, 'UBUSY', 'unit → boolean', 'Whether a unit is busy: never, since all is done at once.', m => {
    m.pop()
    m.push(0)
    return ended(m, IoResult.ok)
  }),
  procedure(37, 'UWAIT', 'unit →', 'Wait until a unit is not busy.', m => {
    m.pop()
    return ended(m, IoResult.ok)
  }),
  procedure(38, 'UCLEAR', 'unit →', 'Bring a unit to its first state, if it is there.', m =>
    ended(m, m.units.clear(m.pop())),
  ),
]

function popTransfer(m: StandardMachine): {
  readonly unit: number
  readonly address: number
  readonly bytes: number
  readonly block: number
  readonly mode: number
} {
  const [mode, block, bytes, index, base, unit] = [m.pop(), m.pop(), m.pop(), m.pop(), m.pop(), m.pop()]
  return { unit, address: base + index, bytes, block, mode }
}

function ended(m: StandardMachine, result: number): number | undefined {
  // Not an end of it, but to be done again, or that there is no more to come.
  if (result < 0) return result
  m.setWord(m.syscom + Syscom.ioResult, result)
  return undefined
}
