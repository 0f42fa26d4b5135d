import { describe, expect, it } from 'vitest'
import { CrtControl, CrtInfo } from '../syscom.ts'
import { translateInput } from './terminal-input.ts'
import { TerminalOutput } from './terminal-output.ts'

const CONTROL: Readonly<Record<number, number>> = {
  [CrtControl.home]: 25,
  [CrtControl.eraseToEndOfLine]: 29,
  [CrtControl.eraseToEndOfScreen]: 11,
  [CrtControl.clearScreen]: 12,
  [CrtControl.up]: 31,
}
function write(text: string, ansi: boolean, mode = 0, control = CONTROL): string {
  const output = new TerminalOutput(ansi, offset => control[offset] ?? 0)
  return Array.from(text, letter => output.translate(letter.charCodeAt(0), mode)).join('')
}

describe('output to a terminal', () => {
  it.each<readonly [string, string, string]>([
    ['a carriage return begins a line', 'A\rB', 'A\r\nB'],
    ['functions are those of SYSTEM.MISCINFO', '\x19\x1d\x0b\x0c\x1f', '\x1b[H\x1b[K\x1b[J\x1b[H\x1b[2J\x1b[A'],
    ['GOTOXY has column and row', '\x1e\x24\x22X', '\x1b[3;5HX'],
    ['DLE stands for blanks', '\x10\x25X', '     X'],
    ['bells pass', '\x07', '\x07'],
  ])('%s', (_, text, expected) => {
    expect(write(text, true)).toBe(expected)
  })
  it('a lead-in begins functions, and a row and column', () => {
    const control = { [CrtControl.escape]: 27, [CrtControl.eraseToEndOfLine]: 0x4b }
    expect(write('\x1bK\x1b=\x22\x24\x1b[7m', true, 0, control)).toBe('\x1b[K\x1b[3;5H\x1b[7m')
  })
  it('the mode leaves line feeds and special characters alone', () => {
    expect(write('\r', true, 4)).toBe('\r')
    expect(write('\x10\x25', true, 8)).toBe('%')
  })
})

describe('output as plain text', () => {
  it('has lines and no controls', () => {
    expect(write('\x19PROMPT\x1d\rA\x1e\x20\x22B\x07', false)).toBe('PROMPT\nA\nB')
  })
})

describe('input', () => {
  const info: Readonly<Record<number, number>> = {
    [CrtInfo.up]: 15,
    [CrtInfo.left]: 8,
    [CrtInfo.deleteCharacter]: 8,
  }
  const read = (text: string): number[] =>
    translateInput(
      Uint8Array.from(text, letter => letter.charCodeAt(0)),
      offset => info[offset] ?? 0,
    )
  it.each<readonly [string, string, readonly number[]]>([
    ['line ends are carriage returns', 'a\nb\r\nc', [97, 13, 98, 13, 99]],
    ['keys are the characters that SYSTEM.MISCINFO has', '\x1b[A\x1bOD\x7f', [15, 8, 8]],
    ['keys that it has not pass as they are', '\x1b[B', [27, 91, 66]],
    ['an escape alone is an escape, control-C the end of an insertion', '\x1b\x03', [27, 3]],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(expected)
  })
})
