import { command, type CommandRow } from './command.ts'
import type { Debugger } from './debugger.ts'
import { JdwpError } from './errors.ts'
import type { PacketReader } from './packet.ts'
import { EVENT, MAX_MODIFIERS, MAX_REQUESTS, type Modifier } from './requests.ts'
import { beginStep } from './step.ts'

const KINDS: ReadonlySet<number> = new Set(Object.values(EVENT))
/** Kinds of events that there are, of which we have none (JDWP, “EventKind”). */
const OTHER_KINDS: ReadonlySet<number> = new Set([3, 5, 10, 20, 21, 30, 40, 41, 42, 43, 44, 45, 46])

function modifier(on: Debugger, input: PacketReader): Modifier {
  switch (input.u1()) {
    case 1:
      return { kind: 'count', left: input.i4() }
    case 3:
      return { kind: 'thread', thread: on.ids.thread(input.id()) }
    case 4:
      return { kind: 'class', cls: on.ids.cls(input.id()) }
    case 5:
      return { kind: 'match', pattern: input.string(), wanted: true }
    case 6:
      return { kind: 'match', pattern: input.string(), wanted: false }
    case 7: {
      input.u1()
      const cls = on.ids.cls(input.id())
      const method = on.ids.method(input.id())
      const at = Number(input.i8())
      if (method.owner !== cls || at < 0 || at >= (method.code?.bytes.length ?? 0))
        throw new JdwpError('INVALID_LOCATION')
      return { kind: 'location', location: { method, at } }
    }
    case 8: {
      const id = input.id()
      const cls = id === 0 ? undefined : on.ids.cls(id)
      return { kind: 'exception', cls, caught: input.boolean(), uncaught: input.boolean() }
    }
    case 10:
      return { kind: 'step', thread: on.ids.thread(input.id()), size: input.i4(), depth: input.i4() }
    case 11:
      return { kind: 'instance', object: on.ids.objectOrNull(input.id()) }
    case 12:
      return { kind: 'source', pattern: input.string() }
    default:
      throw new JdwpError('NOT_IMPLEMENTED')
  }
}

/** EventRequest (15). */
export const eventCommands: readonly CommandRow[] = [
  command(15, 1, 'Set', (on, input, out) => {
    const [kind, policy, count] = [input.u1(), input.u1(), input.count()]
    if (OTHER_KINDS.has(kind)) throw new JdwpError('NOT_IMPLEMENTED')
    if (!KINDS.has(kind)) throw new JdwpError('INVALID_EVENT_TYPE')
    if (policy > 2 || count > MAX_MODIFIERS || on.requests.size >= MAX_REQUESTS) throw new JdwpError('ILLEGAL_ARGUMENT')
    const modifiers = Array.from({ length: count }, () => modifier(on, input))
    // Code that does not tell where it is cannot stop there.
    for (const m of modifiers) {
      if (m.kind === 'location' && !on.covers(m.location.method.owner)) throw new JdwpError('NOT_IMPLEMENTED')
    }
    const id = on.nextRequest()
    const step = modifiers.find(m => m.kind === 'step')
    if ((kind === EVENT.singleStep) !== (step !== undefined)) throw new JdwpError('ILLEGAL_ARGUMENT')
    if (step) {
      const state = on.threads.of(step.thread)
      state.step = beginStep(id, step.size, step.depth, state.frames)
    }
    on.addRequest({ id, kind, policy, modifiers })
    out.i4(id)
  }),
  command(15, 2, 'Clear', (on, input) => on.removeRequest(input.u1(), input.i4())),
  command(15, 3, 'ClearAllBreakpoints', on => {
    for (const { kind, id } of on.requests.values()) if (kind === EVENT.breakpoint) on.removeRequest(kind, id)
  }),
]
