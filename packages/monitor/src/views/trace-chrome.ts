import { detail, type TraceEvent, type TraceWriter } from './trace-events.ts'

/** Rows of the picture are threads of two processes: harts, and tasks with their system calls. */
const HARTS = 1
const TASKS = 2
/** An instruction is shown as a nanosecond; the format's times are microseconds. */
const PER_MICROSECOND = 1000

const time = (retired: bigint): number => Number(retired) / PER_MICROSECOND

/** Chrome's trace event format (JSON array), for chrome://tracing, Perfetto and speedscope. */
export function chromeTrace(): TraceWriter {
  /** Traps of each hart that have not returned. */
  const depths = new Map<number, number>()
  const rows = new Set<string>()
  let isFirst = true
  const line = (object: Readonly<Record<string, unknown>>): string => {
    const separator = isFirst ? '' : ',\n'
    isFirst = false
    return separator + JSON.stringify(object)
  }
  const named = (pid: number, tid: number, name: string): string => {
    if (rows.has(`${pid} ${tid}`)) return ''
    rows.add(`${pid} ${tid}`)
    return line({ name: 'thread_name', ph: 'M', pid, tid, args: { name } })
  }
  const write = (event: TraceEvent): string => {
    const { hart, retired, kind, place, pc } = event
    const at = { pid: HARTS, tid: hart, ts: time(retired) }
    const args = { pc: `0x${pc.toString(16)}`, ...(place !== undefined && { place }) }
    const row = named(HARTS, hart, `hart ${hart}`)
    const depth = depths.get(hart) ?? 0
    if (kind === 'return') {
      if (depth === 0) return ''
      depths.set(hart, depth - 1)
      return row + line({ ph: 'E', ...at })
    }
    if (kind === 'syscall') {
      const tid = Number(/\d+/.exec(event.task ?? '')?.[0] ?? 0)
      const call = { name: event.call, cat: kind, ph: 'X', pid: TASKS, tid, ts: time(event.since) }
      const told = { ...args, arguments: event.arguments.join(', '), result: event.result }
      return (
        named(TASKS, tid, event.task ?? 'unknown') + line({ ...call, dur: time(retired - event.since), args: told })
      )
    }
    const name = kind === 'trap' || kind === 'interrupt' ? event.name : detail(event)
    if ((kind === 'trap' && event.note === undefined) || kind === 'interrupt') {
      depths.set(hart, depth + 1)
      return row + line({ name, cat: kind, ph: 'B', ...at, args })
    }
    if (kind === 'instruction') return row + line({ name, cat: kind, ph: 'X', dur: 1 / PER_MICROSECOND, ...at, args })
    return row + line({ name, cat: kind, ph: 'i', s: 't', ...at, args })
  }
  return {
    head: () =>
      `[\n${[HARTS, TASKS]
        .map(pid => line({ name: 'process_name', ph: 'M', pid, args: { name: pid === HARTS ? 'harts' : 'tasks' } }))
        .join('')}`,
    event: write,
    tail: () => '\n]\n',
  }
}
