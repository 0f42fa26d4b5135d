import { DoppelError } from '@doppel/base'

/** One line of assembly text: labels before it, a mnemonic or directive ('' for none), operands as written. */
export interface AsmLine {
  readonly number: number
  readonly text: string
  readonly labels: readonly string[]
  readonly name: string
  readonly operands: readonly string[]
}

/** Names and their values. */
export type Symbols = ReadonlyMap<string, bigint>

const LABEL = /^\s*([A-Za-z_.$][\w.$]*):/
const PART = /^\s*%(hi|lo)\((.*)\)\s*$/
const TERM = /^([-+~]?)\s*(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+|[A-Za-z_.$][\w.$]*)/

/** Splits assembly text into its lines; lines with nothing on them are left out. */
export function parseLines(text: string): AsmLine[] {
  return text.split('\n').flatMap((whole, i) => {
    let rest = whole.replace(/#.*$/, '')
    const labels: string[] = []
    for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
      labels.push(label[1] as string)
      rest = rest.slice(label[0].length)
    }
    const [, name = '', operands = ''] = /^\s*(\S*)\s*(.*?)\s*$/.exec(rest) ?? []
    if (name === '' && labels.length === 0) return []
    const list = operands === '' ? [] : operands.split(',').map(operand => operand.trim())
    return [{ number: i + 1, text: whole.trim(), labels, name, operands: list }]
  })
}

/**
 * The value of a sum of numbers and names; `.` is the address of the line. `%lo(…)` is a sum's low twelve bits, signed, and
 * `%hi(…)` what is left, shifted down by twelve. Throws `asm.expression`.
 */
export function evaluate(expression: string, symbols: Symbols, here: bigint, line: AsmLine): bigint {
  const fail = (what: string): DoppelError =>
    new DoppelError('asm.expression', `line ${line.number}: ${what}, in '${line.text}'`, { line: line.number })
  const part = PART.exec(expression)
  if (part) {
    const whole = evaluate(part[2] as string, symbols, here, line)
    const low = BigInt.asIntN(12, whole)
    return part[1] === 'lo' ? low : (whole - low) >> 12n
  }
  let rest = expression.trim()
  if (rest === '') throw fail('a number or name is missing')
  let sum = 0n
  for (let first = true; rest !== ''; first = false) {
    const term = TERM.exec(rest)
    if (!term || (!first && (term[1] === '' || term[1] === '~')))
      throw fail(`'${expression}' is no sum of numbers and names`)
    const [all, sign, atom] = term as unknown as [string, string, string]
    const value = /^\d/.test(atom) ? BigInt(atom) : atom === '.' ? here : symbols.get(atom)
    if (value === undefined) throw fail(`'${atom}' is not defined`)
    sum += sign === '-' ? -value : sign === '~' ? ~value : value
    rest = rest.slice(all.length).trimStart()
  }
  return sum
}
