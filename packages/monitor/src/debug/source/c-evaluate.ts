import { ATE, DoppelError } from '@doppel/base'
import type { CExpression } from './c-expression.ts'
import {
  bytesOfNumber,
  constantDatum,
  type DataAccess,
  type Datum,
  datumAt,
  elementOf,
  isFloat,
  isSigned,
  memberOf,
  numberOf,
  readable,
} from './guest-data.ts'
import { BYTE, type GuestMember, type GuestType, INT, LONG, pointerTo, UNSIGNED_LONG } from './guest-types.ts'

/** What names mean where an expression is evaluated. */
export interface NamesInScope {
  readonly access: DataAccess
  variable(name: string): Datum | undefined
  register(name: string): Datum | undefined
}

const DOUBLE: GuestType = { kind: 'base', name: 'double', sizeBytes: 8, encoding: ATE.float }
/** How deep members without names are in one another. */
const MAX_ANONYMOUS = 8

function wrong(what: string): DoppelError {
  return new DoppelError('debug.expression', what)
}

/** The value of an expression. Integers are computed with 64 bits. Throws `debug.expression`, and `debug.value` for what is not to be had. */
export function evaluateC(expression: CExpression, names: NamesInScope): Datum {
  switch (expression.kind) {
    case 'number':
      return constantDatum(numberType(expression.value, expression.isUnsigned), expression.value)
    case 'float':
      return floatDatum(expression.value)
    case 'name': {
      const found = names.variable(expression.name)
      if (!found) throw wrong(`nothing here is called ${expression.name}`)
      return found
    }
    case 'register': {
      const found = names.register(expression.name)
      if (!found) throw wrong(`there is no register ${expression.name}`)
      return found
    }
    case 'member':
      return evaluateMember(expression, names)
    case 'index': {
      const [of, index] = [evaluateC(expression.of, names), numberOf(evaluateC(expression.index, names))]
      if (of.type.kind === 'array')
        return elementOf(of, of.type.element, Number(BigInt.asIntN(48, index)), names.access)
      const target = targetType(of)
      return datumAt(target, BigInt.asUintN(64, numberOf(of) + index * BigInt(target.sizeBytes)), names.access)
    }
    case 'unary':
      return evaluateUnary(expression.operator, evaluateC(expression.of, names), names)
    case 'binary': {
      const { operator } = expression
      const left = evaluateC(expression.left, names)
      // The other side may have no value where it is not asked for.
      if (operator === '&&' && !isTrue(left)) return truth(false)
      if (operator === '||' && isTrue(left)) return truth(true)
      return evaluateBinary(operator, left, evaluateC(expression.right, names))
    }
  }
}

/** Whether a condition holds: its value is not 0. */
export function isTrue(datum: Datum): boolean {
  return isFloat(datum.type) ? floatOf(datum) !== 0 : numberOf(datum) !== 0n
}
/** The bytes of a value as a variable of a type has it. */
export function convertTo(type: GuestType, value: Datum): Uint8Array {
  if (!isFloat(type))
    return bytesOfNumber(isFloat(value.type) ? BigInt(Math.trunc(floatOf(value))) : numberOf(value), type.sizeBytes)
  const view = new DataView(new ArrayBuffer(type.sizeBytes))
  if (type.sizeBytes === 4) view.setFloat32(0, floatOf(value), true)
  else if (type.sizeBytes === 8) view.setFloat64(0, floatOf(value), true)
  else throw new DoppelError('debug.value', `a ${type.name} cannot be written`)
  return new Uint8Array(view.buffer)
}

function truth(is: boolean): Datum {
  return constantDatum(INT, is ? 1n : 0n)
}
function numberType(value: bigint, isUnsigned: boolean): GuestType {
  return isUnsigned ? UNSIGNED_LONG : value < 1n << 31n ? INT : LONG
}
function floatDatum(value: number): Datum {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value, true)
  return { type: DOUBLE, read: () => new Uint8Array(view.buffer) }
}
function floatOf(datum: Datum): number {
  if (!isFloat(datum.type)) return Number(numberOf(datum))
  const bytes = readable(datum)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
}
function targetType({ type }: Datum): GuestType {
  if (type.kind !== 'pointer') throw wrong(`a ${type.name} is no pointer`)
  const target = type.target()
  return target.kind === 'void' ? BYTE : target
}
function through(datum: Datum, access: DataAccess): Datum {
  if (datum.type.kind === 'array') return elementOf(datum, datum.type.element, 0, access)
  // A number is the address of machine words, as debuggers have it.
  const target = datum.type.kind === 'base' ? LONG : targetType(datum)
  return datumAt(target, BigInt.asUintN(64, numberOf(datum)), access)
}

function evaluateMember({ of, name, isThrough }: Extract<CExpression, { kind: 'member' }>, names: NamesInScope): Datum {
  const value = evaluateC(of, names)
  // Debuggers take either for the other.
  const whole = isThrough || value.type.kind === 'pointer' ? through(value, names.access) : value
  const found = memberNamed(whole, name, names.access, MAX_ANONYMOUS)
  if (!found) throw wrong(`a ${whole.type.name} has no member ${name}`)
  return found
}
function memberNamed(whole: Datum, name: string, access: DataAccess, depth: number): Datum | undefined {
  if (whole.type.kind !== 'struct' || depth === 0) return undefined
  const members: readonly GuestMember[] = whole.type.members()
  const own = members.find(member => member.name === name)
  if (own) return memberOf(whole, own, access)
  for (const member of members) {
    const found = member.name === '' && memberNamed(memberOf(whole, member, access), name, access, depth - 1)
    if (found) return found
  }
  return undefined
}

function evaluateUnary(operator: string, of: Datum, { access }: NamesInScope): Datum {
  switch (operator) {
    case '*':
      return through(of, access)
    case '&':
      if (of.address === undefined || of.bits) throw wrong('it has no address')
      return constantDatum(pointerTo(of.type), of.address)
    case '!':
      return truth(!isTrue(of))
    case '-':
      return isFloat(of.type) ? floatDatum(-floatOf(of)) : integer(-numberOf(of), of)
    case '~':
      return integer(~numberOf(of), of)
    default:
      return isFloat(of.type) ? of : integer(numberOf(of), of)
  }
}
/** A result as large as what it is made from, and at least an int. */
function integer(value: bigint, ...from: readonly Datum[]): Datum {
  const size = Math.max(4, ...from.map(({ type }) => type.sizeBytes))
  const isUnsigned = from.some(({ type }) => type.sizeBytes === size && !isSigned(type))
  if (size === 4 && !isUnsigned) return constantDatum(INT, value)
  if (size === 4) return constantDatum({ ...INT, name: 'unsigned int', encoding: ATE.unsigned } as GuestType, value)
  return constantDatum(isUnsigned ? UNSIGNED_LONG : LONG, value)
}

function evaluateBinary(operator: string, left: Datum, right: Datum): Datum {
  if (operator === '&&' || operator === '||') return truth(isTrue(right))
  if (isFloat(left.type) || isFloat(right.type)) return floatOperation(operator, floatOf(left), floatOf(right))
  const [a, b] = [numberOf(left), numberOf(right)]
  const pointed = stepOf(left)
  if (pointed !== undefined && (operator === '+' || operator === '-')) {
    const step = BigInt(pointed.sizeBytes)
    const other = stepOf(right)
    if (other && operator === '-') return constantDatum(LONG, step === 0n ? 0n : (a - b) / step)
    return constantDatum(pointerTo(pointed), operator === '+' ? a + b * step : a - b * step)
  }
  switch (operator) {
    case '==':
      return truth(BigInt.asUintN(64, a) === BigInt.asUintN(64, b))
    case '!=':
      return truth(BigInt.asUintN(64, a) !== BigInt.asUintN(64, b))
    case '<':
      return truth(a < b)
    case '>':
      return truth(a > b)
    case '<=':
      return truth(a <= b)
    case '>=':
      return truth(a >= b)
    case '<<':
      return integer(a << (b & 63n), left)
    case '>>':
      return integer(a >> (b & 63n), left)
    case '/':
    case '%':
      if (b === 0n) throw new DoppelError('debug.value', 'division by 0')
      return integer(operator === '/' ? a / b : a % b, left, right)
    default:
      return integer(INTEGERS[operator]?.(a, b) ?? 0n, left, right)
  }
}
const INTEGERS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
}
/** What a pointer steps over. */
function stepOf({ type }: Datum): GuestType | undefined {
  if (type.kind === 'array') return type.element
  if (type.kind !== 'pointer') return undefined
  const target = type.target()
  return target.kind === 'void' ? BYTE : target
}
const FLOATS: Readonly<Record<string, (a: number, b: number) => number | boolean>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
}
function floatOperation(operator: string, a: number, b: number): Datum {
  const result = FLOATS[operator]?.(a, b)
  if (result === undefined) throw wrong(`${operator} takes integers`)
  return typeof result === 'boolean' ? truth(result) : floatDatum(result)
}
