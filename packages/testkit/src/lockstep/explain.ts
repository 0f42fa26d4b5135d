import { disassemble } from '@doppel/engine'
import { riscvAssembly } from '@doppel/riscv'
import type { Block } from './block.ts'
import { differencesOf } from './differences.ts'
import { type Tier, traceInDoppel } from './doppel.ts'
import { firstBlocks, type Program } from './program.ts'
import { traceInQemu } from './qemu.ts'
import type { LogRecord, Step } from './state.ts'

/** Instructions looked at in the block that went wrong. */
const MAX_STEPS = 100_000

/** The first place where two logs differ: its block, and what differs there. Undefined when they are alike. */
export function firstDifference(
  ours: readonly LogRecord[],
  theirs: readonly LogRecord[],
): { readonly block: number; readonly what: string } | undefined {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const a = ours[i]
    const b = theirs[i]
    if (!a || !b) return { block: (a ?? b)?.block ?? 0, what: `only ${a ? 'doppel' : 'QEMU'} went on` }
    const found = differencesOf(a, b)
    if (found.length === 0) continue
    const list = found.map(d => `${d.name} is ${hex(d.a)} in doppel, ${hex(d.b)} in QEMU`)
    const where = a.kind === 'trap' ? `trap at ${hex(a.values[1] ?? 0n)}` : 'end'
    return { block: a.block, what: `${where}: ${list.join('; ')}` }
  }
  return undefined
}

/** Runs up to a block once more on both sides, one instruction at a time, and names the instruction that differs. */
export function explain(program: Program, index: number, tier: Tier): string {
  const block = program.blocks[index]
  if (!block) return `no block ${index}`
  const part = firstBlocks(program, index + 1)
  const end = block.start + BigInt(block.code.length)
  const theirs = traceInQemu(part, block.start, end)
  const ours = traceInDoppel(part, tier, block.start, end, Math.min(MAX_STEPS, theirs.length + 1))
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const found = stepDifferences(ours[i], theirs[i])
    if (found.length === 0) continue
    const before = theirs[i - 1]
    const culprit = before
      ? `${instructionAt(block, before)}\n  before it: ${operands(block, before)}`
      : 'the first one'
    return `block ${index} (${block.mode}), after ${i} instructions: ${culprit}\n  ${found.join('\n  ')}`
  }
  return `block ${index} (${block.mode}): no register differs after any instruction; its code:\n${listing(block)}`
}

function stepDifferences(a: Step | undefined, b: Step | undefined): string[] {
  if (!a || !b) return [`only ${a ? 'doppel' : 'QEMU'} goes on in the block, at ${hex((a ?? b)?.pc ?? 0n)}`]
  const pc = a.pc === b.pc ? [] : [`pc is ${hex(a.pc)} in doppel, ${hex(b.pc)} in QEMU`]
  const file = (name: 'x' | 'f'): string[] =>
    a[name].flatMap((value, i) => {
      const other = b[name][i] ?? 0n
      return value === other ? [] : [`${name}${i} is ${hex(value)} in doppel, ${hex(other)} in QEMU`]
    })
  return [...pc, ...file('x'), ...file('f')]
}

function wordAt(block: Block, offset: number): number {
  const byte = (i: number): number => block.code[offset + i] ?? 0
  const low = byte(0) | (byte(1) << 8)
  return (low & 3) === 3 ? (low | (byte(2) << 16) | (byte(3) << 24)) >>> 0 : low
}

function instructionAt(block: Block, step: Step): string {
  const word = wordAt(block, Number(step.pc - block.start))
  return `${hex(step.pc)}: ${hex(BigInt(word))} ${disassemble(riscvAssembly, word, step.pc)}`
}

/** The registers that an instruction names, with their values. */
function operands(block: Block, step: Step): string {
  const text = disassemble(riscvAssembly, wordAt(block, Number(step.pc - block.start)), step.pc)
  const names = new Set(text.match(/[a-z]+\d*/g)?.slice(1))
  const values = [...names].flatMap(name => {
    const register = riscvAssembly.registers.get(name)
    const value = register && step[register.file as 'x' | 'f'][register.number]
    return value === undefined ? [] : [`${name} = ${hex(value)}`]
  })
  return values.join(', ')
}

function listing(block: Block): string {
  const lines: string[] = []
  for (let at = 0; at < block.code.length; ) {
    const word = wordAt(block, at)
    lines.push(`  ${hex(block.start + BigInt(at))}: ${disassemble(riscvAssembly, word, block.start + BigInt(at))}`)
    at += (word & 3) === 3 ? 4 : 2
  }
  return lines.join('\n')
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`
}
