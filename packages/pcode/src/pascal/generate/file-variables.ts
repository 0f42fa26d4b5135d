import { containsFile, type Type } from '../analysis/types.ts'
import type { Generator } from './generator.ts'
import { layOut, strideOf } from './storage.ts'

/** Opens the life of every file variable in a variable, or closes it: `pushAddress` pushes the variable’s address. */
export function emitFileVariables(g: Generator, type: Type, pushAddress: () => void, action: 'fin' | 'fcl'): void {
  if (type.kind === 'file') {
    pushAddress()
    g.standard(action)
  } else if (type.kind === 'record') {
    for (const field of layOut(type).fields.values()) {
      if (!containsFile(field.type)) continue
      const push = (): void => {
        pushAddress()
        if (field.offset !== 0) g.op('inca', field.offset)
      }
      emitFileVariables(g, field.type, push, action)
    }
  } else if (type.kind === 'array') {
    const turn = g.unit.frame.temporary('i')
    g.op('ldci', 0)
    g.op2('stri', 0, turn)
    const again = g.label()
    g.place(again)
    const push = (): void => {
      pushAddress()
      g.op2('lodi', 0, turn)
      g.op('ixa', strideOf(type))
    }
    emitFileVariables(g, type.component, push, action)
    g.op2('lodi', 0, turn)
    g.op('inca', 1)
    g.op2('stri', 0, turn)
    g.op2('lodi', 0, turn)
    g.op('ldci', type.index.high - type.index.low + 1)
    g.op('lesi')
    g.jump('tjp', again)
    g.unit.frame.release('i', turn)
  }
}
