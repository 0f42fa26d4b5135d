import type { JavaClass, Method } from '../runtime/classes.ts'
import type { JavaThread } from '../runtime/threads.ts'

/** Kinds of events (JDWP, “EventKind”) that can be asked for. */
export const EVENT = {
  singleStep: 1,
  breakpoint: 2,
  exception: 4,
  threadStart: 6,
  threadDeath: 7,
  classPrepare: 8,
  /** Never happens: classes stay. */
  classUnload: 9,
  vmStart: 90,
  vmDeath: 99,
} as const
/** Requests at a time, and what one of them may ask for. */
export const MAX_REQUESTS = 10_000
export const MAX_MODIFIERS = 256

/** A place in the code. */
export interface Location {
  readonly method: Method
  readonly at: number
}
/** What a request asks for besides its kind (JDWP, EventRequest.Set). */
export type Modifier =
  | { readonly kind: 'count'; left: number }
  | { readonly kind: 'thread'; readonly thread: JavaThread }
  | { readonly kind: 'class'; readonly cls: JavaClass }
  | { readonly kind: 'match'; readonly pattern: string; readonly wanted: boolean }
  | { readonly kind: 'location'; readonly location: Location }
  | {
      readonly kind: 'exception'
      readonly cls: JavaClass | undefined
      readonly caught: boolean
      readonly uncaught: boolean
    }
  | { readonly kind: 'step'; readonly thread: JavaThread; readonly size: number; readonly depth: number }
  | { readonly kind: 'instance'; readonly object: object | null }
  | { readonly kind: 'source'; readonly pattern: string }

/** A request for events. */
export interface EventRequest {
  readonly id: number
  readonly kind: number
  /** Who is suspended: 0 nobody, 1 the event’s thread, 2 all. */
  readonly policy: number
  readonly modifiers: readonly Modifier[]
}
/** What has happened, as far as requests can ask about it. */
export interface Happening {
  readonly kind: number
  readonly thread: JavaThread
  readonly location?: Location | undefined
  readonly cls?: JavaClass | undefined
  readonly exception?: object | undefined
  readonly exceptionClass?: JavaClass | undefined
  /** Where the exception will be caught. */
  readonly catcher?: Location | undefined
  readonly instance?: object | null | undefined
  readonly source?: string | undefined
  /** For steps: the requests that they fulfil. */
  readonly request?: number | undefined
}

/** Whether a name is one that a pattern, with a star at its start or end, means. */
export function matches(pattern: string, name: string): boolean {
  if (pattern.startsWith('*')) return name.endsWith(pattern.slice(1))
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

/** Whether a request is for this; counts down those that are for the n-th time. */
export function wants(request: EventRequest, what: Happening): boolean {
  if (request.kind !== what.kind || (what.request !== undefined && what.request !== request.id)) return false
  return request.modifiers.every(m => passes(m, what))
}
function passes(m: Modifier, what: Happening): boolean {
  const cls = what.cls ?? what.location?.method.owner
  switch (m.kind) {
    case 'count':
      return --m.left === 0
    case 'thread':
      return m.thread === what.thread
    case 'class':
      return cls?.isSubtypeOf(m.cls) === true
    case 'match':
      return cls !== undefined && matches(m.pattern, cls.name.replaceAll('/', '.')) === m.wanted
    case 'location':
      return what.location?.method === m.location.method && what.location.at === m.location.at
    case 'exception':
      return (what.catcher ? m.caught : m.uncaught) && (!m.cls || what.exceptionClass?.isSubtypeOf(m.cls) === true)
    case 'step':
      return m.thread === what.thread
    case 'instance':
      return what.instance === m.object
    case 'source':
      return what.source !== undefined && matches(m.pattern, what.source)
  }
}
