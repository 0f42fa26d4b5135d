import { DoppelError, hex } from '@doppel/base'
import { type Assembly, lengthOf } from './assembly.ts'
import { type AsmLine, evaluate, parseLines, type Symbols } from './asm-source.ts'
import { type EncodedField, extractField, insertField } from './encoding.ts'
import type { InstructionSyntax, OperandSyntax } from './syntax.ts'

/** Where a program goes, and names it may use beside its own labels. */
export interface AssembleOptions {
  readonly origin: bigint
  readonly symbols?: Symbols
}

/** An assembled program: its bytes from `origin` on, and the addresses of its labels. */
export interface AssembledProgram {
  readonly bytes: Uint8Array
  readonly symbols: ReadonlyMap<string, bigint>
}

/** Programs are for tests and firmware of ours: larger ones are a mistake in `.org` or `.zero`. */
const MAX_PROGRAM_BYTES = 64 << 20
const UPPER_SHIFT = 12
const DATA_BYTES: Readonly<Record<string, number>> = { '.byte': 1, '.half': 2, '.word': 4, '.dword': 8 }

interface Placed {
  readonly line: AsmLine
  readonly at: number
  readonly bytes: number
}

/**
 * Assembles a program: instructions as `disassemble` writes them, the language's pseudo-instructions, `label:`, comments
 * from `#` on, and `.byte`, `.half`, `.word`, `.dword`, `.zero`, `.align` (a power of two), `.org` (an address). Throws
 * `asm.*` with the line.
 */
export function assemble(assembly: Assembly, text: string, options: AssembleOptions): AssembledProgram {
  const symbols = new Map<string, bigint>(options.symbols ?? [])
  const placed: Placed[] = []
  let at = 0
  for (const line of expand(assembly, parseLines(text))) {
    for (const label of line.labels) {
      if (symbols.has(label)) throw failure('label', `'${label}' is defined twice`, line)
      symbols.set(label, options.origin + BigInt(at))
    }
    if (line.name === '') continue
    const bytes = sizeOf(assembly, line, at, options.origin, symbols)
    if (bytes < 0 || at + bytes > MAX_PROGRAM_BYTES) {
      throw failure('size', `the program would get ${at + bytes} bytes long; 0 to ${MAX_PROGRAM_BYTES} are`, line)
    }
    placed.push({ line, at, bytes })
    at += bytes
  }
  const bytes = new Uint8Array(at)
  const view = new DataView(bytes.buffer)
  for (const { line, at: offset, bytes: size } of placed) {
    const here = options.origin + BigInt(offset)
    const width = DATA_BYTES[line.name]
    if (width !== undefined) {
      line.operands.forEach((operand, i) => {
        const value = evaluate(operand, symbols, here, line)
        for (let b = 0; b < width; b++) bytes[offset + i * width + b] = Number((value >> BigInt(8 * b)) & 0xffn)
      })
    } else if (!line.name.startsWith('.')) {
      const word = encodeLine(assembly, line, symbols, here)
      if (size === 2) view.setUint16(offset, word, true)
      else view.setUint32(offset, word, true)
    }
  }
  return { bytes, symbols }
}

function failure(reason: string, what: string, line: AsmLine): DoppelError {
  return new DoppelError(`asm.${reason}`, `line ${line.number}: ${what}, in '${line.text}'`, { line: line.number })
}

function* expand(assembly: Assembly, lines: Iterable<AsmLine>): Iterable<AsmLine> {
  for (const line of lines) {
    const pseudo = Object.hasOwn(assembly.pseudo, line.name) ? assembly.pseudo[line.name] : undefined
    if (!pseudo) {
      yield line
      continue
    }
    yield { ...line, name: '', operands: [] }
    for (const real of parseLines(pseudo(line.operands).join('\n'))) {
      yield { ...real, number: line.number, text: line.text }
    }
  }
}

/** An instruction's syntax and the suffix bits its mnemonic asks for. */
function find(assembly: Assembly, line: AsmLine): { syntax: InstructionSyntax; suffixes: readonly EncodedField[] } {
  const whole = assembly.byName.get(line.name)
  if (whole) return { syntax: whole, suffixes: [] }
  const dot = line.name.lastIndexOf('.')
  const syntax = assembly.byName.get(line.name.slice(0, dot))
  let rest = line.name.slice(dot + 1)
  const suffixes = (syntax?.suffixes ?? []).filter(field => {
    if (!rest.startsWith(field.name)) return false
    rest = rest.slice(field.name.length)
    return true
  })
  if (!syntax || rest !== '') throw failure('mnemonic', `'${line.name}' is no instruction`, line)
  return { syntax, suffixes }
}

function sizeOf(assembly: Assembly, line: AsmLine, at: number, origin: bigint, symbols: Symbols): number {
  const width = DATA_BYTES[line.name]
  if (width !== undefined) return width * line.operands.length
  const number = (): number => Number(evaluate(line.operands[0] ?? '', symbols, origin + BigInt(at), line))
  if (line.name === '.zero') return number()
  if (line.name === '.org') return number() - Number(origin) - at
  if (line.name === '.align') return -(Number(origin) + at) & (2 ** number() - 1)
  if (line.name.startsWith('.')) throw failure('directive', `'${line.name}' is no directive`, line)
  return lengthOf(find(assembly, line).syntax.encoding)
}

function encodeLine(assembly: Assembly, line: AsmLine, symbols: Symbols, pc: bigint): number {
  const { syntax, suffixes } = find(assembly, line)
  let word = syntax.encoding.match
  for (const field of suffixes) word |= insertField(field, 1)
  const given = [...line.operands]
  const last = syntax.operands.at(-1)
  if (last?.kind === 'named' && given.length === syntax.operands.length - 1) {
    const value = assembly.names.defaults[last.field.name]
    if (value !== undefined) given.push(String(value))
  }
  if (given.length !== syntax.operands.length) {
    throw failure('operands', `${syntax.name} takes ${syntax.operands.length} operands, not ${given.length}`, line)
  }
  const put = (field: EncodedField, value: bigint): void => {
    const bits = insertField(field, Number(BigInt.asIntN(32, value)))
    // Reading back what was put in finds all that does not fit.
    if (BigInt(extractField(field, bits)) !== value || field.forbidden.includes(Number(value) - field.bias)) {
      throw failure('range', `${value} does not fit ${syntax.name}'s ${field.name}`, line)
    }
    word |= bits
  }
  syntax.operands.forEach((operand, i) => {
    const text = given[i] as string
    for (const [field, value] of readOperand(assembly, operand, text, line, symbols, pc)) {
      if (typeof field === 'object') put(field, value)
      else if (BigInt(field) !== value) throw failure('operand', `${syntax.name} takes no '${text}'`, line)
    }
  })
  return word >>> 0
}

type FieldValue = readonly [field: EncodedField | number, value: bigint]

function readOperand(
  assembly: Assembly,
  operand: OperandSyntax,
  text: string,
  line: AsmLine,
  symbols: Symbols,
  pc: bigint,
): readonly FieldValue[] {
  const value = (expression: string): bigint => evaluate(expression, symbols, pc, line)
  const register = (name: string, file: string): bigint => {
    const found = assembly.registers.get(name)
    if (found?.file !== file) throw failure('register', `'${name}' is no register of file ${file}`, line)
    return BigInt(found.number)
  }
  switch (operand.kind) {
    case 'register':
      return [[operand.field, register(text, operand.file)]]
    case 'memory': {
      const [, offset, base] = /^(.*)\(\s*(\w+)\s*\)$/.exec(text) ?? []
      if (base === undefined) throw failure('operand', `'${text}' is not an offset and a register in parentheses`, line)
      const place: FieldValue = [operand.base, register(base, assembly.names.defaultFile)]
      const distance = offset?.trim() ? value(offset.trim()) : 0n
      return [place, [operand.offset ?? 0, distance]]
    }
    case 'target':
      return [[operand.field, BigInt.asIntN(64, value(text) - pc)]]
    case 'integer':
      return [[operand.field, operand.style === 'upper' ? upper(value(text), line) : value(text)]]
    case 'named': {
      const named = operand.names.get(text)
      return [[operand.field, named === undefined ? value(text) : BigInt(named)]]
    }
    case 'set': {
      let bits = 0
      const top = operand.letters.length - 1
      for (const letter of text === '0' ? '' : text) {
        const place = operand.letters.indexOf(letter)
        if (place < 0) throw failure('operand', `'${text}' has letters other than ${operand.letters}`, line)
        bits |= 1 << (top - place)
      }
      return [[operand.field, BigInt(bits)]]
    }
  }
}

/** `lui` and its like take the constant's upper bits: a number of 20 bits, with or without a sign. */
function upper(number: bigint, line: AsmLine): bigint {
  if (number < -(1n << 19n) || number >= 1n << 20n) {
    throw failure('range', `${hex(number)} does not fit 20 bits`, line)
  }
  return BigInt.asIntN(32, number << BigInt(UPPER_SHIFT))
}
