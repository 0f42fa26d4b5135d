/** How a value of Java is kept: int and what widens to it, long, float, double, reference; `V` only as a result. */
export type Kind = 'I' | 'J' | 'F' | 'D' | 'L'

/** How a field is kept: as a value of Java, or `X`, a value of the host that the guest never sees. */
export type FieldKind = Kind | 'X'

/** A method descriptor taken apart (JVMS §4.3.3). */
export interface MethodDescriptor {
  /** Field descriptors of the parameters. */
  readonly params: readonly string[]
  /** Field descriptor of the result, or `V`. */
  readonly result: string
  readonly kinds: readonly Kind[]
  readonly resultKind: Kind | 'V'
  /** Words that the parameters take (two for long and double). */
  readonly slots: number
}

/** The kind of a field descriptor. */
export function kindOf(descriptor: string): Kind {
  switch (descriptor.charCodeAt(0)) {
    case 0x4a:
      return 'J'
    case 0x46:
      return 'F'
    case 0x44:
      return 'D'
    case 0x4c:
    case 0x5b:
      return 'L'
    default:
      return 'I'
  }
}

/** Words that a kind takes on the operand stack. */
export function slotsOf(kind: Kind | 'V'): number {
  return kind === 'V' ? 0 : kind === 'J' || kind === 'D' ? 2 : 1
}

/** Where the field descriptor starting at `from` ends, or -1 when none stands there (JVMS §4.3.2). */
export function endOfFieldDescriptor(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 0x5b) at++
  if (at - from > 255) return -1
  const first = text[at]
  if (first === undefined) return -1
  if ('BCDFIJSZ'.includes(first)) return at + 1
  if (first !== 'L') return -1
  const end = text.indexOf(';', at)
  return end > at + 1 && isClassName(text, at + 1, end) ? end + 1 : -1
}

/** True when the slice is a binary name in internal form: identifiers between slashes (JVMS §4.2.1). */
export function isClassName(text: string, from = 0, to: number = text.length): boolean {
  let start = from
  for (let i = from; i <= to; i++) {
    const c = i === to ? 0x2f : text.charCodeAt(i)
    if (c === 0x2f) {
      if (i === start) return false
      start = i + 1
    } else if (c === 0x2e || c === 0x3b || c === 0x5b) return false
  }
  return true
}

/** True for an unqualified name; method names may not hold `<` or `>`, `<init>` and `<clinit>` apart (JVMS §4.2.2). */
export function isUnqualifiedName(text: string, method: boolean): boolean {
  if (method && (text === '<init>' || text === '<clinit>')) return true
  return text.length > 0 && !(method ? /[.;[/<>]/ : /[.;[/]/).test(text)
}

/** True when the whole text is a field descriptor. */
export function isFieldDescriptor(text: string): boolean {
  return endOfFieldDescriptor(text, 0) === text.length
}

const parsed = new Map<string, MethodDescriptor>()
/** The parse cache is dropped at this size: descriptors come from guests. */
const MAX_CACHED = 100_000

/** Takes a method descriptor apart; undefined when it is none, or takes more than 255 words. */
export function parseMethodDescriptor(text: string): MethodDescriptor | undefined {
  const known = parsed.get(text)
  if (known) return known
  if (text[0] !== '(') return undefined
  const params: string[] = []
  let at = 1
  let slots = 0
  while (text[at] !== ')') {
    const end = endOfFieldDescriptor(text, at)
    if (end < 0) return undefined
    const param = text.slice(at, end)
    params.push(param)
    slots += slotsOf(kindOf(param))
    at = end
  }
  const result = text.slice(at + 1)
  if (slots > 255 || (result !== 'V' && !isFieldDescriptor(result))) return undefined
  const resultKind = result === 'V' ? 'V' : kindOf(result)
  const descriptor = { params, result, kinds: params.map(kindOf), resultKind, slots } as const
  if (parsed.size >= MAX_CACHED) parsed.clear()
  parsed.set(text, descriptor)
  return descriptor
}
