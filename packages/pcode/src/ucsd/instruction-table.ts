import { markdownTable } from '../rows/markdown-table.ts'
import { INSTRUCTIONS } from './instructions.ts'
import type { Instruction } from './row.ts'
import { STANDARD_PROCEDURES } from './standard/standard-procedures.ts'

function opcodeOf({ opcode, opcodes, operandType }: Instruction): string {
  if (operandType !== undefined) return `${opcode} ${operandType}`
  return opcodes === 1 ? `${opcode}` : `${opcode}–${opcode + opcodes - 1}`
}
function operandsOf({ formats, tail }: Instruction): string {
  return [...formats, ...(tail === undefined ? [] : [tail])].join(', ')
}

/** Every instruction and standard procedure of UCSD p-System II.0 as Markdown, from the rows themselves. */
export function ucsdInstructionTable(): string {
  const instructions = [...INSTRUCTIONS]
    .sort((x, y) => x.opcode - y.opcode || (x.operandType ?? 0) - (y.operandType ?? 0))
    .map(row => [opcodeOf(row), `\`${row.name}\``, operandsOf(row), row.stack, row.prose])
  const standard = STANDARD_PROCEDURES.map(each => [`${each.number}`, `\`${each.name}\``, each.stack, each.prose])
  return [
    '# Instructions of UCSD p-System II.0',
    '',
    'Made from the rows in `packages/pcode/src/ucsd` (`npx vitest run --project node packages/pcode -u`). Operands: UB an',
    'unsigned byte, SB a signed one, DB a byte up to 127, B one byte, or two where the first is above 127, W a word, its low',
    'byte first. The evaluation stack is shown the deepest first. Reals are IEEE 754 single, two words; a set has its size in',
    'words on top. The second number of a comparison is the byte behind its opcode.',
    '',
    ...markdownTable([['opcode', 'instruction', 'operands', 'stack', 'what it does'], ...instructions]),
    '',
    '## Standard procedures',
    '',
    'The operand of `CSP`.',
    '',
    ...markdownTable([['number', 'procedure', 'stack', 'what it does'], ...standard]),
    '',
  ].join('\n')
}
