import { hex } from '@doppel/base'
import type { Assembly } from './assembly.ts'
import { type EncodedField, extractField } from './encoding.ts'
import type { InstructionSyntax, OperandSyntax } from './syntax.ts'

const ADDRESS_BITS = 64
const UPPER_SHIFT = 12
const UPPER_MASK = 0xfffff

/**
 * One instruction as text that `assemble` turns into the same bits. `word` holds a short instruction in its low half. What
 * is no instruction, or has bits set that its meaning ignores, is written as data.
 */
export function disassemble(assembly: Assembly, word: number, pc: bigint): string {
  const syntax = assembly.byName.get(assembly.set.matching(word)[0] ?? '')
  const short = (word & 3) !== 3
  if (!syntax || (word & syntax.reserved) !== 0) {
    return short ? `.half ${hex(word & 0xffff)}` : `.word ${hex(word >>> 0)}`
  }
  const bits = short ? word & 0xffff : word
  const operands = syntax.operands.map(operand => write(assembly, operand, bits, pc))
  const last = syntax.operands.at(-1)
  if (last?.kind === 'named' && assembly.names.defaults[last.field.name] === extractField(last.field, bits)) {
    operands.pop()
  }
  const name = mnemonic(syntax, bits)
  return operands.length === 0 ? name : `${name} ${operands.join(', ')}`
}

function mnemonic(syntax: InstructionSyntax, bits: number): string {
  const suffix = syntax.suffixes.filter(field => extractField(field, bits) === 1).map(field => field.name)
  return suffix.length === 0 ? syntax.name : `${syntax.name}.${suffix.join('')}`
}

function registerName(assembly: Assembly, file: string, from: EncodedField | number, bits: number): string {
  const number = typeof from === 'number' ? from : extractField(from, bits)
  return assembly.names.registers[file]?.[number] ?? `${file}${number}`
}

function write(assembly: Assembly, operand: OperandSyntax, bits: number, pc: bigint): string {
  switch (operand.kind) {
    case 'register':
      return registerName(assembly, operand.file, operand.field, bits)
    case 'memory': {
      const base = registerName(assembly, assembly.names.defaultFile, operand.base, bits)
      return `${operand.offset ? extractField(operand.offset, bits) : ''}(${base})`
    }
    case 'target':
      return hex(BigInt.asUintN(ADDRESS_BITS, pc + BigInt(extractField(operand.field, bits))))
    case 'integer': {
      const value = extractField(operand.field, bits)
      if (operand.style === 'upper') return hex((value >>> UPPER_SHIFT) & UPPER_MASK)
      return operand.style === 'hex' ? hex(value) : String(value)
    }
    case 'named': {
      const value = extractField(operand.field, bits)
      return [...operand.names].find(([, number]) => number === value)?.[0] ?? hex(value)
    }
    case 'set': {
      const value = extractField(operand.field, bits)
      const top = operand.letters.length - 1
      const letters = Array.from(operand.letters)
        .filter((_, i) => (value >> (top - i)) & 1)
        .join('')
      return letters === '' ? '0' : letters
    }
  }
}
