import { NIL } from '../rows/variable-rows.ts'
import { procedure, type StandardMachine, type StandardProcedure } from './standard-row.ts'
import { IDENTIFIER, RESERVED_WORDS } from './reserved-words.ts'

/** Characters of an identifier that count. */
const IDENTIFIER_LENGTH = 8
/** A node of the symbol table: its name, then the words that lead to greater and lesser names. */
const GREATER = 8
const LESSER = 10
/** A path in the symbol table is no longer than memory has nodes. */
const MAX_NODES = Math.floor(0x1_0000 / 12)

/** Standard procedures that the compiler is made fast with. */
export const COMPILER_PROCEDURES: readonly StandardProcedure[] = [
  procedure(
    7,
    'IDS',
    'record buffer →',
    'Scan an identifier or reserved word: the record’s cursor, symbol, operator, name.',
    searchIdentifier,
  ),
  procedure(
    8,
    'TRS',
    'root result name → order',
    'Search a tree of names: 0 and the node, or 1 or −1 and where the name would be, greater or lesser.',
    searchTree,
  ),
]

function searchIdentifier(m: StandardMachine): undefined {
  const [buffer, record] = [m.pop(), m.pop()]
  let cursor = m.word(record)
  let name = ''
  // A buffer that is nothing but letters ends where the cursor comes round.
  for (let seen = 0; seen < 0x1_0000; seen++, cursor++) {
    const character = String.fromCharCode(m.byte(buffer + cursor)).toUpperCase()
    if (character === '_') continue
    if (!/[A-Z0-9]/.test(character)) break
    if (name.length < IDENTIFIER_LENGTH) name += character
  }
  m.setWord(record, cursor - 1)
  const word = RESERVED_WORDS.get(name) ?? IDENTIFIER
  m.setWord(record + 2, word.symbol)
  m.setWord(record + 4, word.operator)
  if (word !== IDENTIFIER) return
  const padded = name.padEnd(IDENTIFIER_LENGTH)
  for (let i = 0; i < IDENTIFIER_LENGTH; i++) m.setByte(record + 6 + i, padded.charCodeAt(i))
}

function searchTree(m: StandardMachine): undefined {
  const [name, result] = [m.pop(), m.pop()]
  let node = m.pop()
  for (let seen = 0; ; seen++) {
    const order = compareNames(m, name, node)
    const next = order === 0 ? NIL : m.word(node + (order > 0 ? GREATER : LESSER))
    if (next === NIL || seen === MAX_NODES) {
      m.setWord(result, node)
      m.push(order)
      return
    }
    node = next
  }
}

function compareNames(m: StandardMachine, x: number, y: number): number {
  for (let i = 0; i < IDENTIFIER_LENGTH; i++) {
    const order = Math.sign(m.byte(x + i) - m.byte(y + i))
    if (order !== 0) return order
  }
  return 0
}
