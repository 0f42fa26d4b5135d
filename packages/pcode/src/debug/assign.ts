import type { Runtime } from '../machine/runtime.ts'
import type { TypeSymbol } from '../program/type-symbol.ts'
import { arrayShape, type Content, followed, type Place } from './datum.ts'
import { refused } from './evaluate.ts'

const MAX_WORD = 0x7fff_ffff

/** Writes a value into a variable that can have it. Throws `debug.value`. */
export function assignPlace(
  runtime: Runtime,
  variable: Place,
  value: { readonly type: TypeSymbol; readonly content: Content },
): void {
  const { memory } = runtime
  const place = followed(runtime, variable)
  const { type } = place
  const at = place.address >>> 0
  const { content } = value
  if (content === undefined) throw refused('what is to be assigned has no value')
  if (type.kind === 'real' && typeof content === 'number' && /integer|real/.test(value.type.kind)) {
    memory.setReal(at, content)
    return
  }
  if (type.kind === 'string' && typeof content === 'string') {
    if (content.length >= type.bytes) throw refused(`the string may have ${type.bytes - 1} characters`)
    memory.setByte(at, content.length)
    for (let i = 0; i < content.length; i++) memory.setByte(at + 1 + i, content.charCodeAt(i))
    return
  }
  const shape = arrayShape(runtime, place)
  if (shape && typeof content === 'string') {
    if (content.length !== shape.high - shape.low + 1)
      throw refused(`the string must have ${shape.high - shape.low + 1} characters`)
    for (let i = 0; i < content.length; i++) memory.setByte(at + i, content.charCodeAt(i))
    return
  }
  if (type.kind === 'set' && content instanceof Uint8Array) {
    memory.bytes.set(content.subarray(0, type.bytes), at)
    return
  }
  if (typeof content !== 'number' || value.type.kind !== type.kind) throw refused('the value is of another type')
  storeOrdinal(runtime, type, at, content)
}

function storeOrdinal({ memory }: Runtime, type: TypeSymbol, at: number, value: number): void {
  switch (type.kind) {
    case 'pointer':
      memory.setWord(at, value)
      return
    case 'integer':
    case 'char':
    case 'boolean':
    case 'enumeration': {
      const last =
        type.kind === 'enumeration'
          ? type.names.length - 1
          : type.kind === 'boolean'
            ? 1
            : [0, 255, 32_767, 0, MAX_WORD][type.bytes]
      const first = type.kind === 'integer' && type.bytes > 1 ? -(last as number) : 0
      if (!Number.isInteger(value) || value < first || value > (last as number)) throw refused(`${value} does not fit`)
      if (type.bytes === 1) memory.setByte(at, value)
      else if (type.bytes === 2) memory.view.setInt16(at, value, true)
      else memory.setWord(at, value)
      return
    }
    default:
      throw refused('this variable cannot be assigned as a whole')
  }
}
