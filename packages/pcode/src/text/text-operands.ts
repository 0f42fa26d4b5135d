import { DoppelError } from '@doppel/base'
import type { LineReader } from './line-reader.ts'

const MAX_TEXT_BYTES = 1 << 26
const MAX_ELEMENT = 255

/** Refuses a text that is too long to be a program. */
export function checkTextSize(text: string): void {
  if (text.length <= MAX_TEXT_BYTES) return
  throw new DoppelError(
    'pcode.limit',
    `the p-code is ${text.length} bytes long; at most ${MAX_TEXT_BYTES} are read`,
    {},
  )
}
/** Refuses a text that ends too early. */
export function noEnd(lines: number): never {
  throw new DoppelError('pcode.syntax', 'the p-code ends before its second q line, its main program or its globals', {
    lines,
  })
}
/** A character in quotes, or its number. */
export function readCharacter(line: LineReader): number {
  line.skipSpaces()
  if (line.ahead !== "'") return line.integer()
  // One character between quotes, and not doubled when it is a quote.
  line.take()
  const character = line.take()
  if (!line.accept("'")) line.fail('a quote')
  return character.charCodeAt(0)
}
/** The elements of a set in parentheses. */
export function readElements(line: LineReader): number[] {
  line.skipSpaces()
  if (!line.accept('(')) line.fail('(')
  const elements: number[] = []
  for (;;) {
    line.skipSpaces()
    if (line.accept(')')) return elements
    const element = line.integer()
    if (element < 0 || element > MAX_ELEMENT) line.fail(`elements of 0..${MAX_ELEMENT}`)
    elements.push(element)
  }
}
