import { DoppelError } from '@doppel/base'
import type { TypeSymbol } from '../program/type-symbol.ts'
import type { Content } from './datum.ts'

interface Value {
  readonly type: TypeSymbol
  readonly content: NonNullable<Content>
}
type Meaning = (x: number) => readonly [kind: 'same' | 'integer' | 'real' | 'char' | 'boolean', value: number]

const TYPES: Readonly<Record<'integer' | 'real' | 'char' | 'boolean', TypeSymbol>> = {
  integer: { kind: 'integer', bytes: 4 },
  real: { kind: 'real' },
  char: { kind: 'char', bytes: 1 },
  boolean: { kind: 'boolean', bytes: 1 },
}

/** Required functions of one ordinal or number (ISO 7185 §6.6.6). */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  abs: x => ['same', Math.abs(x)],
  sqr: x => ['same', x * x],
  succ: x => ['same', x + 1],
  pred: x => ['same', x - 1],
  ord: x => ['integer', x],
  chr: x => ['char', x],
  odd: x => ['boolean', Math.abs(x % 2)],
  trunc: x => ['integer', Math.trunc(x)],
  round: x => ['integer', Math.sign(x) * Math.round(Math.abs(x))],
  sqrt: x => ['real', Math.sqrt(x)],
  sin: x => ['real', Math.sin(x)],
  cos: x => ['real', Math.cos(x)],
  arctan: x => ['real', Math.atan(x)],
  exp: x => ['real', Math.exp(x)],
  ln: x => ['real', Math.log(x)],
}

/** The functions that a debugger's expression may call, by name. */
export const FUNCTIONS: ReadonlyMap<string, (args: readonly Value[]) => Value> = new Map(
  Object.entries(MEANINGS).map(([name, meaning]) => [
    name,
    args => {
      const [argument, second] = args
      if (!argument || second || typeof argument.content !== 'number') {
        throw new DoppelError('debug.value', `${name} takes one number`)
      }
      const [kind, content] = meaning(argument.content)
      return { type: kind === 'same' ? argument.type : TYPES[kind], content }
    },
  ]),
)
