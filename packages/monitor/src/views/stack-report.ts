import type { SourceLine } from '@doppel/base'
import type { LinuxTask } from './linux-tasks.ts'

/** An active call. `isCertain` is false for what may be left over from an older one. */
export interface FrameReport {
  readonly address: bigint
  /** `name+0x1c`; undefined where the code has no name. */
  readonly place: string | undefined
  readonly line: SourceLine | undefined
  readonly isCertain: boolean
  /** It was interrupted, by a trap, by the frames above. */
  readonly isTrapped: boolean
}

/** Where a hart is, and how it came there. */
export interface HartStack {
  readonly hart: number
  /** `user`, `supervisor` or `machine`; `stopped` for a hart that does not run, `waiting` for one in WFI. */
  readonly state: string
  readonly retired: bigint
  /** Undefined where the guest is no Linux, or it cannot be told. */
  readonly task: LinuxTask | undefined
  readonly frames: readonly FrameReport[]
}

const count = (value: bigint): string => value.toLocaleString('en-US')

/** Stacks as people read them. */
export function stackText(stacks: readonly HartStack[]): string {
  return stacks.map(stack => `${headOf(stack)}\n${stack.frames.map(frameText).join('')}`).join('\n')
}

function headOf({ hart, state, retired, task }: HartStack): string {
  const who = task && `, task ${task.pid === undefined ? '' : `${task.pid} `}(${task.name})`
  return `hart ${hart}: ${state}, ${count(retired)} instructions retired${who ?? ''}`
}

function frameText({ address, place, line, isCertain, isTrapped }: FrameReport, i: number): string {
  const where = line ? `  ${line.file}:${line.line}` : ''
  const name = place ?? '(no name)'
  const trap = isTrapped ? '  -- trap --\n' : ''
  return `${trap}  ${`#${i}`.padEnd(4)}${isCertain ? ' ' : '?'} 0x${address.toString(16).padStart(16, '0')}  ${name}${where}\n`
}
