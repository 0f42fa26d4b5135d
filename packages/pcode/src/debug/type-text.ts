import type { TypeSymbol } from '../program/type-symbol.ts'

/** Values of an enumeration shown of its type. */
const MAX_NAMES = 8

/** A type as Pascal writes it. */
export function typeText(type: TypeSymbol): string {
  switch (type.kind) {
    case 'enumeration': {
      const more = type.names.length > MAX_NAMES ? ', …' : ''
      return `(${type.names.slice(0, MAX_NAMES).join(', ')}${more})`
    }
    case 'pointer':
      return `^${shortText(type.target())}`
    case 'reference':
      return typeText(type.target())
    case 'set':
      return `set of ${typeText(type.element)}`
    case 'array':
      return `array [${ordinalText(type.index, type.low)}..${ordinalText(type.index, type.high)}] of ${typeText(type.element)}`
    case 'conformant':
      return `array of ${typeText(type.element)}`
    case 'string':
      return `string[${type.bytes - 1}]`
    case 'long':
      return `integer[${type.digits}]`
    case 'file':
      return type.component.kind === 'char' ? 'text' : `file of ${typeText(type.component)}`
    case 'boolean':
      return 'Boolean'
    default:
      return type.kind
  }
}

/** Without what a pointer's record may lead to again. */
function shortText(type: TypeSymbol): string {
  return type.kind === 'pointer' ? 'pointer' : typeText(type)
}

/** A value of an ordinal type as Pascal writes it. */
export function ordinalText(type: TypeSymbol, value: number): string {
  if (type.kind === 'char')
    return value < 0x20 || value > 0x7e ? `chr(${value})` : `'${quoted(String.fromCharCode(value))}'`
  if (type.kind === 'boolean') return value === 0 ? 'false' : value === 1 ? 'true' : `Boolean(${value})`
  if (type.kind === 'enumeration') return type.names[value] ?? `(${value})`
  return String(value)
}

/** Text with its apostrophes doubled (ISO 7185 6.1.7). */
export function quoted(text: string): string {
  return text.replaceAll("'", "''")
}
