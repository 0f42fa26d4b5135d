import { CrtInfo } from '../syscom.ts'

const ESC = 0x1b
const CR = 13
const LF = 10
const DELETE = 127

/** Keys of ECMA-48 terminals, by what follows ESC. */
const KEYS: readonly (readonly [string, keyof typeof CrtInfo])[] = [
  ['[A', 'up'],
  ['[B', 'down'],
  ['[C', 'right'],
  ['[D', 'left'],
  ['OA', 'up'],
  ['OB', 'down'],
  ['OC', 'right'],
  ['OD', 'left'],
  ['[3~', 'deleteCharacter'],
]

/**
 * What a piece of terminal input is to the system: keys become the characters that SYSTEM.MISCINFO names for them, line
 * ends carriage returns. `info` gives a byte of SYSCOM's CRTINFO. A sequence is taken for a key only in one piece.
 */
export function translateInput(piece: Uint8Array, info: (offset: number) => number): number[] {
  const characters: number[] = []
  for (let at = 0; at < piece.length; at++) {
    const byte = piece[at] as number
    if (byte === ESC) {
      const rest = String.fromCharCode(...piece.subarray(at + 1, at + 4))
      const key = KEYS.find(([sequence]) => rest.startsWith(sequence))
      const character = key && info(CrtInfo[key[1]])
      if (key && character) {
        characters.push(character)
        at += key[0].length
        continue
      }
    }
    // The line ends of text files that come through a pipe may be both.
    if (byte === LF && piece[at - 1] === CR) continue
    const deletes = byte === DELETE && info(CrtInfo.deleteCharacter)
    characters.push(deletes ? deletes : byte === LF ? CR : byte)
  }
  return characters
}
