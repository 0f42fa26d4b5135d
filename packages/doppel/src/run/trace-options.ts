import { DoppelError } from '@doppel/base'
import { TRACE_KINDS, type TraceKind } from '@doppel/monitor'
import { TRACE_FORMATS, type TraceOptions } from './trace.ts'

const ADDRESS = /^0x[0-9a-fA-F]{1,16}$/
const MODES = ['U', 'S', 'M'] as const

const isKind = (text: unknown): text is TraceKind => TRACE_KINDS.some(kind => kind === text)
const isFormat = (text: unknown): text is TraceOptions['format'] => typeof text === 'string' && text in TRACE_FORMATS

function wrong(what: string): DoppelError {
  return new DoppelError('trace.options', `a trace's ${what}`)
}
function list<T>(value: unknown, what: string, is: (element: unknown) => element is T): readonly T[] | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.length > 0 && value.every(is)) return value
  throw wrong(what)
}

/** Checks what a client asks to have traced. Throws `trace.options`. */
export function checkedTrace(asked: unknown): TraceOptions {
  const { events, harts, modes, addresses, functions, limit, format } = (asked ?? {}) as Record<
    keyof TraceOptions,
    unknown
  >
  const isNumber = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0
  const isMode = (mode: unknown): mode is 'U' | 'S' | 'M' => MODES.some(each => each === mode)
  const isText = (text: unknown): text is string => typeof text === 'string'
  const isRange = (range: unknown): range is { readonly from: string; readonly to: string } => {
    const { from, to } = (range ?? {}) as { from?: unknown; to?: unknown }
    return isText(from) && isText(to) && ADDRESS.test(from) && ADDRESS.test(to)
  }
  const found = {
    events:
      list(events, `events are of ${TRACE_KINDS.join(', ')}`, isKind) ?? TRACE_KINDS.filter(k => k === 'syscalls'),
    harts: list(harts, 'harts are numbers', isNumber),
    modes: list(modes, 'modes are of U, S, M', isMode),
    addresses: list(addresses, 'addresses are ranges from and to, 0x and digits', isRange),
    functions: list(functions, 'functions are names', isText),
  }
  if (limit !== undefined && (!isNumber(limit) || limit === 0)) throw wrong('limit is a number of events')
  if (!isFormat(format)) throw wrong(`format is one of ${Object.keys(TRACE_FORMATS).join(', ')}`)
  const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
  return { ...(given as Pick<TraceOptions, 'events'>), format, ...(limit !== undefined && { limit }) }
}

/** What the flags of `doppel trace` ask for. Throws `cli.flag-value`, `trace.options`. */
export function readTrace(
  value: (flag: string) => string | undefined,
  values: (flag: string) => readonly string[],
): TraceOptions {
  const words = (flag: string): string[] | undefined => value(flag)?.split(',')
  const bad = (flag: string, expected: string): DoppelError =>
    new DoppelError('cli.flag-value', `--${flag} is '${value(flag)}'; expected ${expected}`, { flag })
  const events = words('events')
  if (events && !events.every(isKind)) throw bad('events', `some of ${TRACE_KINDS.join(',')}`)
  const harts = words('hart')
  if (harts && !harts.every(hart => /^\d$/.test(hart))) throw bad('hart', 'numbers of harts, such as 0,1')
  const modes = value('privilege')?.toUpperCase().split(',')
  if (modes && !modes.every(mode => MODES.some(each => each === mode))) throw bad('privilege', 'some of u,s,m')
  const addresses = values('address').map(text => {
    const [, from, to] = /^(?:0x)?([0-9a-fA-F]{1,16})-(?:0x)?([0-9a-fA-F]{1,16})$/.exec(text) ?? []
    if (from === undefined || to === undefined) throw bad('address', 'FROM-TO in hexadecimal')
    return { from: `0x${from}`, to: `0x${to}` }
  })
  const limit = value('limit')
  if (limit !== undefined && !/^[1-9]\d{0,14}$/.test(limit)) throw bad('limit', 'a number of events')
  const format = value('format') ?? 'text'
  if (!isFormat(format)) throw bad('format', `one of ${Object.keys(TRACE_FORMATS).join(', ')}`)
  return checkedTrace({
    events,
    harts: harts?.map(Number),
    modes,
    ...(addresses.length > 0 && { addresses }),
    ...(values('symbol').length > 0 && { functions: values('symbol') }),
    ...(limit !== undefined && { limit: Number(limit) }),
    format,
  })
}
