import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededEntropy } from '@doppel/base'
import { disassemble } from '@doppel/engine'
import { riscvAssembly, rv64gc } from '@doppel/riscv'
import { expect, test } from 'vitest'
import { installed } from '../src/installed.ts'
import { randomFields, RandomSource } from '../src/random.ts'

// The judge is binutils: our text of every instruction, operands and all, is objdump's.
const AS = 'riscv64-unknown-elf-as'
const OBJDUMP = 'riscv64-unknown-elf-objdump'
const MARCH = 'rv64gc_zba_zbb_zbs_svinval'
const SAMPLES = 30

/** binutils 2.40 does not know these yet. */
const UNKNOWN = new Set(['czero.eqz', 'czero.nez'])
/** Conversions that never round: objdump takes mode 0 only and does not show it; we do, or the bits would be lost. */
const EXACT = new Set(['fcvt.d.w', 'fcvt.d.wu', 'fcvt.d.s'])
/** Control registers that binutils knows and we do not have are numbers to us. */
const CSR_OPERAND = 1

function objdump(words: readonly { word: number; bytes: number }[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-objdump-'))
  try {
    const lines = words.map(({ word, bytes }) => `.insn ${bytes}, 0x${word.toString(16)}\n`)
    writeFileSync(join(folder, 'a.s'), lines.join(''))
    execFileSync(AS, [`-march=${MARCH}`, '-mno-relax', '-o', join(folder, 'a.o'), join(folder, 'a.s')])
    const text = execFileSync(OBJDUMP, ['-d', '-M', 'no-aliases', join(folder, 'a.o')], {
      maxBuffer: 1 << 28,
    }).toString()
    return text.split('\n').flatMap(line => {
      const [, instruction] = /^\s+[0-9a-f]+:\t[0-9a-f]+\s+(.*)$/.exec(line) ?? []
      return instruction === undefined ? [] : [instruction]
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Spaces, comments and the way addresses and hint operands are written are no difference. */
function normal(name: string, text: string): string {
  const [mnemonic, ...rest] = text
    .replace(/[#<].*$/, '')
    .trim()
    .split(/[\s,]+/)
  const operands = [...rest]
  if (riscvAssembly.byName.get(name)?.operands.at(-1)?.kind === 'target') {
    operands.push(BigInt(`0x${(operands.pop() ?? '').replace('0x', '')}`).toString())
  }
  if (name.startsWith('csr')) operands.splice(CSR_OPERAND, 1, 'csr')
  if (EXACT.has(name) && operands.length > 2) operands.pop()
  return `${mnemonic} ${operands.join(',')}`
}

const reason = installed(AS, OBJDUMP)
test.skipIf(reason !== undefined)(`every instruction reads as objdump prints it${reason ?? ''}`, () => {
  const random = new RandomSource(seededEntropy(5n))
  const cases = [...rv64gc.rows, ...rv64gc.compressed]
    .filter(row => !UNKNOWN.has(row.name))
    .flatMap(row =>
      Array.from({ length: SAMPLES }, () => {
        const word = randomFields(random, row.encoding, EXACT.has(row.name) ? { rm: 0 } : {})
        return { row, word, bytes: row.encoding.lengthBits / 8 }
      }),
    )
    // What is another instruction by an excluded operand, or has bits set that mean nothing, is not this row's text.
    .filter(({ row, word }) => rv64gc.matching(word)[0] === row.name)
    .filter(({ word }) => !disassemble(riscvAssembly, word, 0n).startsWith('.'))
  const theirs = objdump(cases)
  expect(theirs).toHaveLength(cases.length)
  let at = 0n
  const differences = cases.flatMap(({ row, word, bytes }, i) => {
    const ours = normal(row.name, disassemble(riscvAssembly, word, at))
    const judge = normal(row.name, theirs[i] as string)
    at += BigInt(bytes)
    return ours === judge ? [] : [`${row.name} ${word.toString(16)}: ours '${ours}', objdump '${judge}'`]
  })
  expect(differences).toEqual([])
  expect(new Set(cases.map(c => c.row.name)).size).toBeGreaterThan(200)
})
