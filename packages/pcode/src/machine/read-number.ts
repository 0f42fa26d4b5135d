import { longWithin, MAX_LONG_DIGITS } from './long-integers.ts'
import { END_OF_FILE, END_OF_LINE, type PascalFile } from './pascal-file.ts'
import { Problem } from './problem.ts'

const TAB = 9
const SPACE = 32
const PLUS = 43
const MINUS = 45
const POINT = 46
const DIGIT_0 = 48
const UPPER_E = 69
const LOWER_E = 101
const MAX_INT = 0x7fff_ffff
/** A number's text may not be longer than this. */
const MAX_NUMBER_TEXT = 4096

const isDigit = (c: number): boolean => c >= DIGIT_0 && c <= DIGIT_0 + 9

function* skipSpace(file: PascalFile): Generator<Promise<void>, number> {
  for (;;) {
    const c = yield* file.ahead()
    if (c !== SPACE && c !== TAB && c !== END_OF_LINE) return c
    yield* file.advance()
  }
}
function* sign(file: PascalFile): Generator<Promise<void>, number> {
  const c = yield* file.ahead()
  if (c !== PLUS && c !== MINUS) return 1
  yield* file.advance()
  return c === MINUS ? -1 : 1
}

/** Reads an integer from a text (ISO 7185 6.9.1). */
export function* readInteger(file: PascalFile): Generator<Promise<void>, number> {
  if ((yield* skipSpace(file)) === END_OF_FILE) throw new Problem('endOfFile')
  const factor = yield* sign(file)
  let c = yield* file.ahead()
  if (!isDigit(c)) throw new Problem('integerFormat')
  let value = 0
  while (isDigit(c)) {
    value = value * 10 + (c - DIGIT_0)
    if (value > MAX_INT) throw new Problem('overflow')
    yield* file.advance()
    c = yield* file.ahead()
  }
  // A sum, so that no zero is negative.
  return 0 + value * factor
}

/** Reads a long integer from a text (UCSD Pascal). */
export function* readLong(file: PascalFile): Generator<Promise<void>, bigint> {
  if ((yield* skipSpace(file)) === END_OF_FILE) throw new Problem('endOfFile')
  const factor = BigInt(yield* sign(file))
  let c = yield* file.ahead()
  if (!isDigit(c)) throw new Problem('integerFormat')
  let value = 0n
  while (isDigit(c)) {
    value = longWithin(value * 10n + BigInt(c - DIGIT_0), MAX_LONG_DIGITS)
    yield* file.advance()
    c = yield* file.ahead()
  }
  return value * factor
}

/** Reads a real from a text (6.9.1). */
export function* readReal(file: PascalFile): Generator<Promise<void>, number> {
  if ((yield* skipSpace(file)) === END_OF_FILE) throw new Problem('endOfFile')
  let text = ''
  const accept = function* (c: number): Generator<Promise<void>, number> {
    text += String.fromCharCode(c)
    if (text.length > MAX_NUMBER_TEXT) throw new Problem('realFormat')
    yield* file.advance()
    return yield* file.ahead()
  }
  const digits = function* (first: number): Generator<Promise<void>, number> {
    let c = first
    if (!isDigit(c)) throw new Problem('realFormat')
    while (isDigit(c)) c = yield* accept(c)
    return c
  }
  const factor = yield* sign(file)
  let c = yield* digits(yield* file.ahead())
  if (c === POINT) c = yield* digits(yield* accept(c))
  if (c === UPPER_E || c === LOWER_E) {
    c = yield* accept(c)
    if (c === PLUS || c === MINUS) c = yield* accept(c)
    yield* digits(c)
  }
  return factor * Number(text)
}
