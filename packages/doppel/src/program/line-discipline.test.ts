import { utf8Bytes, utf8Text } from '@doppel/base'
import { expect, test } from 'vitest'
import { LineDiscipline } from './line-discipline.ts'

/** Types on a terminal: the lines that come of it, and what is shown. */
function typed(text: string): { readonly lines: string[]; readonly shown: string; readonly interrupts: number } {
  const lines: string[] = []
  let [shown, interrupts] = ['', 0]
  const discipline = new LineDiscipline({
    line: bytes => lines.push(utf8Text(bytes)),
    show: bytes => {
      shown += utf8Text(bytes)
    },
    interrupt: () => interrupts++,
  })
  for (const byte of utf8Bytes(text)) discipline.type(Uint8Array.of(byte))
  return { lines, shown, interrupts }
}

test('a line goes on when it is ended, and is shown as it is typed', () => {
  expect(typed('ab\rc\nd')).toMatchObject({ lines: ['ab\n', 'c\n'], shown: 'ab\r\nc\r\nd' })
})
test('characters are taken back one by one, or all of a line; those of lines before stay', () => {
  expect(typed('a\rbc\x7f\x08\x08d\r').lines).toEqual(['a\n', 'd\n'])
  expect(typed('abc\x15d\r')).toMatchObject({ lines: ['d\n'], shown: `abc${'\b \b'.repeat(3)}d\r\n` })
})
test('control-D sends what there is of a line, or the end of input', () => {
  expect(typed('ab\x04\x04').lines).toEqual(['ab', ''])
})
test('control-C interrupts, and the line is gone', () => {
  expect(typed('ab\x03c\r')).toMatchObject({ lines: ['c\n'], interrupts: 1 })
})
test('a line has an end, and takes no control characters', () => {
  const { lines } = typed(`${'x'.repeat(5000)}\x1b\x00\r`)
  expect(lines).toEqual([`${'x'.repeat(4095)}\n`])
})
test('what a program writes begins each line at the left', () => {
  expect(utf8Text(LineDiscipline.shown(utf8Bytes('a\nb')))).toBe('a\r\nb')
})
