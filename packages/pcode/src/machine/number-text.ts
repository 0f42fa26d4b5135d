/** How reals are written in floating form: the exponent's letter and least number of digits are the implementation's. */
export interface RealStyle {
  readonly exponentLetter: string
  readonly exponentDigits: number
}

/** Field widths beyond this are cut: a program may not make the machine build strings without end. */
const MAX_WIDTH = 1 << 16
const MAX_FRACTION_DIGITS = 100

/** Text on the right of a field, which it may exceed. */
export function padded(text: string, width: number): string {
  return text.padStart(Math.min(width, MAX_WIDTH))
}

/** An integer right in a field, wider if it must be (ISO 7185 6.9.3.2). */
export function integerText(value: number, width: number): string {
  return padded(String(value), width)
}

/** A real in floating form (6.9.3.4.1). */
export function floatText(value: number, width: number, style: RealStyle): string {
  if (!Number.isFinite(value)) return padded(String(value), width)
  const room = Math.max(Math.min(width, MAX_WIDTH), style.exponentDigits + 6)
  const digits = Math.min(room - style.exponentDigits - 5, MAX_FRACTION_DIGITS)
  const [mantissa = '', exponent = ''] = Math.abs(value).toExponential(digits).split('e')
  const power = Number(exponent)
  const sign = value < 0 ? '-' : ' '
  const written = String(Math.abs(power)).padStart(style.exponentDigits, '0')
  return padded(`${sign}${mantissa}${style.exponentLetter}${power < 0 ? '-' : '+'}${written}`, room)
}

/** A real in fixed form (6.9.3.4.2). */
export function fixedText(value: number, width: number, fractionDigits: number): string {
  if (!Number.isFinite(value)) return padded(String(value), width)
  const digits = Math.min(fractionDigits, MAX_FRACTION_DIGITS)
  const magnitude = Math.abs(value)
  // Beyond 1e21 toFixed gives the floating form; there every double is an integer.
  const text = magnitude < 1e21 ? magnitude.toFixed(digits) : `${BigInt(magnitude)}.${'0'.repeat(digits)}`
  return padded((value < 0 ? '-' : '') + text, width)
}

/** A Boolean's name in a field; cut on the right when the field is too small (6.9.3.5, 6.9.3.6). */
export function booleanText(value: number, width: number): string {
  const text = value === 0 ? 'false' : 'true'
  return width < text.length ? text.slice(0, width) : padded(text, width)
}
