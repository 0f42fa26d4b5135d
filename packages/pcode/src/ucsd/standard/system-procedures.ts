import { ExecutionError } from '../execution-errors.ts'
import { Attribute, Frame } from '../frame.ts'
import { HALT } from '../host-machine.ts'
import { Syscom } from '../syscom.ts'
import { procedure, type StandardMachine, type StandardProcedure } from './standard-row.ts'

/** Standard procedures that change the course of the system. */
export const SYSTEM_PROCEDURES: readonly StandardProcedure[] = [
  procedure(4, 'XIT', 'segment procedure →', 'Exit from a procedure: all that it has called ends too.', exit),
  procedure(39, 'HLT', '→', 'Halt: end the system.', () => HALT),
  procedure(9, 'TIM', 'high low →', 'Store the time in sixtieths of a second.', m => {
    const ticks = m.ticks()
    const [low, high] = [m.pop(), m.pop()]
    for (const to of [low, m.syscom + Syscom.lowTime]) m.setWord(to, ticks)
    for (const to of [high, m.syscom + Syscom.highTime]) m.setWord(to, ticks >>> 16)
    return undefined
  }),
  procedure(21, 'LDSEG', 'segment →', 'Bring a segment into memory.', m => m.useSegment(m.pop())),
  procedure(22, 'ULDSEG', 'segment →', 'Let go of a segment.', m => {
    m.releaseSegment(m.pop())
    return undefined
  }),
]

/** More frames than memory has room for: a chain that is longer goes in a circle. */
const MAX_FRAMES = 0x1_0000 / 12

function exit(m: StandardMachine): number | undefined {
  const [procedureNumber, segmentNumber] = [m.pop(), m.pop()]
  const isTarget = (jtab: number, seg: number): boolean =>
    (m.word(jtab) & 0xff) === procedureNumber && (m.word(seg) & 0xff) === segmentNumber
  const exitOf = (jtab: number): number => jtab + Attribute.exit - m.word(jtab + Attribute.exit)
  // Found before anything is changed: an exit from what is not active leaves all as it is.
  const frames: { readonly frame: number; readonly jtab: number }[] = []
  let [frame, jtab, seg] = [m.mp, m.jtab, m.seg]
  while (!isTarget(jtab, seg)) {
    ;[jtab, seg] = [m.word(frame + Frame.jumpTable), m.word(frame + Frame.segment)]
    if (frame === 0 || jtab === 0 || seg === 0 || frames.length >= MAX_FRAMES) return ExecutionError.exitFromUncalled
    frames.push({ frame, jtab })
    frame = m.word(frame + Frame.dynamicLink)
  }
  for (const each of frames) m.setWord(each.frame + Frame.ipc, exitOf(each.jtab))
  m.setIpc(exitOf(m.jtab))
  return undefined
}
