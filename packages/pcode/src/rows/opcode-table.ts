import { markdownTable } from './markdown-table.ts'
import { Row, ROW_NAMES, ROWS } from './p5.ts'
import type { Row as InstructionRow } from './row.ts'
import { Csp, STANDARD, STANDARD_NAMES } from './standard.ts'

const STACK_WORDS: Readonly<Record<string, string>> = {
  call: 'parameters → result',
  indirect: 'parameters, link, code → result',
  drop: 'values →',
  swap: 'a b → b a',
  standard: 'as the procedure says',
}

function stackOf(row: InstructionRow): string {
  const words = row.shape === undefined ? undefined : STACK_WORDS[row.shape]
  return words ?? effect(row.pops, row.pushes)
}
function effect(pops: readonly string[], pushes: readonly string[]): string {
  return [...pops, '→', ...pushes].join(' ')
}

/** Every instruction and standard procedure as Markdown, from the rows themselves. */
export function opcodeTable(): string {
  const instructions = [...ROW_NAMES].sort().map(name => {
    const row = ROWS[Row[name]] as InstructionRow
    const operands = row.operands.map(({ word, kind }) => `${word}: ${kind}`).join(', ')
    return [`\`${name}\``, operands, stackOf(row), row.prose, row.original ? '' : 'added']
  })
  const standard = [...STANDARD_NAMES].sort().map(name => {
    const row = STANDARD[Csp[name]] as (typeof STANDARD)[number]
    return [`\`${name}\``, effect(row.pops, row.pushes), row.prose]
  })
  return [
    '# Instructions of the p-machine',
    '',
    'Made from the rows in `packages/pcode/src/rows` (`npx vitest run --project node packages/pcode -u`). Types on the',
    'operand stack, the deepest first: `i` a word, `r` a real, `s` a set of 0..255, `t` a set of 0..63. The last column',
    'marks what Pascal-P5 does not have.',
    '',
    ...markdownTable([['instruction', 'operands', 'stack', 'what it does', ''], ...instructions]),
    '',
    '## Standard procedures',
    '',
    'The operand of `csp`. Those that begin with `p4` are as Pascal-P4 calls them.',
    '',
    ...markdownTable([['procedure', 'stack', 'what it does'], ...standard]),
    '',
  ].join('\n')
}
