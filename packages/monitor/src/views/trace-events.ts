/** What can be traced. */
export const TRACE_KINDS = ['instructions', 'traps', 'syscalls', 'interrupts', 'devices', 'walks'] as const
/** One of the kinds of events. */
export type TraceKind = (typeof TRACE_KINDS)[number]

/** Where and when an event was. */
export interface TraceMoment {
  readonly hart: number
  /** The mode it was in: user, supervisor, machine. */
  readonly mode: 'U' | 'S' | 'M'
  /** Instructions that the hart had retired. */
  readonly retired: bigint
  readonly pc: bigint
  /** `name+0x1c`; undefined where the code has no name. */
  readonly place: string | undefined
}

/** Something that a hart did. */
export type TraceEvent = TraceMoment &
  (
    | { readonly kind: 'instruction'; readonly text: string }
    | { readonly kind: 'trap'; readonly name: string; readonly value: bigint; readonly note?: string | undefined }
    | { readonly kind: 'interrupt'; readonly name: string }
    /** From a trap or interrupt, to pc. */
    | { readonly kind: 'return' }
    | SyscallEvent
    | {
        readonly kind: 'device'
        readonly device: string
        readonly register: string
        readonly isWrite: boolean
        readonly widthBytes: number
        /** Undefined where nobody answered. */
        readonly value: bigint | undefined
      }
    | {
        readonly kind: 'walk'
        readonly access: string
        readonly address: bigint
        readonly steps: readonly { readonly level: number; readonly address: bigint; readonly entry: bigint }[]
        /** Undefined where the access is refused. */
        readonly gpa: number | undefined
      }
  )

/** A system call that has come back, or will not. */
export interface SyscallEvent {
  readonly kind: 'syscall'
  /** The task's name and number, as far as they are known. */
  readonly task: string | undefined
  readonly call: string
  readonly arguments: readonly string[]
  /** `?` for one that has not returned. */
  readonly result: string
  /** Instructions that its hart had retired when it began. */
  readonly since: bigint
}

/** Makes text of events: what comes before them all, each, and what comes after. */
export interface TraceWriter {
  head(): string
  event(event: TraceEvent): string
  tail(): string
}

const PLACE_COLUMNS = 36
const hex = (value: bigint | number): string => `0x${value.toString(16)}`

/** One line an event: instructions retired, hart, mode, pc and place; then what it was. */
export function textTrace(): TraceWriter {
  return {
    head: () => '',
    tail: () => '',
    event: event => {
      // Where a trap returns to is where the next event is.
      if (event.kind === 'return') return ''
      const { retired, hart, mode, pc, place = '' } = event
      const at = `${retired.toString().padStart(12)} ${hart} ${mode} ${pc.toString(16).padStart(16, '0')}`
      return `${at}  ${place.padEnd(PLACE_COLUMNS)}  ${detail(event)}\n`
    },
  }
}

/** What an event was, in words. */
export function detail(event: TraceEvent): string {
  switch (event.kind) {
    case 'instruction':
      return event.text
    case 'trap':
      return `trap ${event.name}, ${event.note ?? `value ${hex(event.value)}`}`
    case 'interrupt':
      return `interrupt ${event.name}`
    case 'return':
      return `return to ${event.mode}`
    case 'syscall': {
      const task = event.task === undefined ? '' : `${event.task} `
      return `syscall ${task}${event.call}(${event.arguments.join(', ')}) = ${event.result}`
    }
    case 'device': {
      const value = event.value === undefined ? 'nobody' : hex(event.value)
      const { device, register, widthBytes, isWrite } = event
      return `device ${device}.${register} ${isWrite ? '<-' : '->'} ${value} (${8 * widthBytes} bits)`
    }
    case 'walk': {
      const steps = event.steps.map(({ level, entry }) => `${level}:${hex(entry)}`).join(' ')
      const gpa = event.gpa === undefined ? 'refused' : hex(event.gpa)
      return `walk ${event.access} ${hex(event.address)} ${steps} = ${gpa}`
    }
  }
}

/** One JSON object a line; numbers of 64 bits are texts, addresses in hexadecimal. */
export function jsonTrace(): TraceWriter {
  const plain = (key: string, value: unknown): unknown => {
    if (typeof value !== 'bigint') return key === 'gpa' && typeof value === 'number' ? hex(value) : value
    return key === 'retired' || key === 'since' ? value.toString() : hex(value)
  }
  return {
    head: () => '',
    tail: () => '',
    event: ({ kind, ...rest }) => `${JSON.stringify({ event: kind, ...rest }, plain)}\n`,
  }
}
