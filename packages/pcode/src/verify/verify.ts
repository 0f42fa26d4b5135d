import { DoppelError } from '@doppel/base'
import { CODE_WORDS, Field, type Program, type Routine, VALUE_BYTES } from '../program/program.ts'
import { ROW_NAMES, Row, ROWS } from '../rows/p5.ts'
import { type Effect, effectOf } from './effects.ts'
import { checkOperand, enclosing, MAX_OBJECT_BYTES, refuse } from './operands.ts'

const MAX_ROUTINES = 1 << 16
const MAX_CODE = 1 << 22
const MAX_TABLE_TARGETS = 1 << 16
const MAX_PARAMETERS = 256
const MAX_STACK_VALUES = 1024
const MAX_LEVELS = 64

/** A routine and what is known of its operand stack. */
export interface VerifiedRoutine {
  readonly index: number
  readonly routine: Routine
  /** The types on the operand stack before each instruction; undefined where it is not reached. */
  readonly stacks: readonly (string | undefined)[]
  /** What each reached instruction does to it. */
  readonly effects: readonly (Effect | undefined)[]
  /** Instructions that other routines go to, in order. */
  readonly outerTargets: readonly number[]
}

/** A program that can be run: every instruction, operand, jump and call is in order. */
export interface VerifiedProgram {
  readonly program: Program
  readonly routines: readonly VerifiedRoutine[]
}

/** Checks a program before anything of it runs; throws a DoppelError `pcode.…` that names what is wrong. */
export function verifyProgram(program: Program): VerifiedProgram {
  checkShape(program)
  const targets = outerTargets(program)
  return { program, routines: program.routines.map((_, index) => verifyRoutine(program, index, targets[index] ?? [])) }
}

function limit(value: number, max: number, what: string): void {
  if (value >= 0 && value <= max) return
  throw new DoppelError('pcode.limit', `the program has ${value} ${what}; at most ${max} are possible`, { value, max })
}

function checkShape(program: Program): void {
  limit(program.routines.length, MAX_ROUTINES, 'routines')
  limit(program.globalBytes, MAX_OBJECT_BYTES, 'bytes of globals')
  limit(program.constants.length, MAX_OBJECT_BYTES, 'bytes of constants')
  for (const table of program.tables) limit(table.targets.length, MAX_TABLE_TARGETS, 'targets in a table')
  for (const set of program.sets) limit(set.length, VALUE_BYTES.s, 'bytes in a set')
  for (const { offset, componentBytes } of program.files) {
    limit(offset + program.fileIdBytes + componentBytes, program.globalBytes, 'bytes of file variables')
    limit(offset, program.globalBytes, 'bytes of file variables')
  }
  const main = program.routines[0]
  if (!main || main.parent !== -1 || main.params.length > 0 || main.result) {
    throw new DoppelError('pcode.main', 'the first routine must be the main program, without parameters or result', {})
  }
  program.routines.forEach((routine, index) => {
    checkRoutine(program, routine, index)
  })
}

function checkRoutine(program: Program, routine: Routine, index: number): void {
  const bad = (why: string): never => refuse('pcode.routine', program, index, 0, why)
  limit(routine.code.length / CODE_WORDS, MAX_CODE, `instructions in ${routine.name}`)
  if (routine.code.length % CODE_WORDS !== 0) bad('the code ends within an instruction')
  if (index > 0 && !program.routines[routine.parent]) bad('there is no enclosing routine')
  let levels = 0
  for (let at = index; at > 0; at = (program.routines[at] as Routine).parent) {
    if (++levels > MAX_LEVELS) bad(`more than ${MAX_LEVELS} levels`)
    if (!program.routines[at]) bad('there is no enclosing routine')
  }
  limit(routine.frameBytes, MAX_OBJECT_BYTES, `bytes in the frame of ${routine.name}`)
  limit(routine.params.length, MAX_PARAMETERS, `parameters of ${routine.name}`)
  routine.params.forEach((type, i) => {
    const offset = routine.paramOffsets[i] ?? -1
    if (offset < 0 || offset + VALUE_BYTES[type] > routine.frameBytes) bad(`parameter ${i} is not in the frame`)
  })
}

/** For each routine, what gotos of inner routines lead to. */
function outerTargets(program: Program): number[][] {
  const found: number[][] = program.routines.map(() => [])
  program.routines.forEach(({ code }, index) => {
    for (let word = 0; word < code.length; word += CODE_WORDS) {
      if (code[word + Field.row] !== Row.ipj) continue
      const outer = enclosing(program, index, Math.min(Math.max(code[word + Field.p] as number, 0), MAX_LEVELS + 1))
      const list = outer === undefined ? undefined : found[outer]
      const target = code[word + Field.q] as number
      if (list && !list.includes(target)) list.push(target)
    }
  })
  return found
}

function verifyRoutine(program: Program, index: number, targets: readonly number[]): VerifiedRoutine {
  const routine = program.routines[index] as Routine
  const { code } = routine
  const count = code.length / CODE_WORDS
  const stacks: (string | undefined)[] = Array.from({ length: count }, () => undefined)
  const effects: (Effect | undefined)[] = Array.from({ length: count }, () => undefined)
  const work: number[] = []
  const reach = (from: number, at: number, stack: string): void => {
    if (at >= count || at < 0) refuse('pcode.end', program, index, from, 'the code goes on beyond its end')
    if (at <= from && stack !== '')
      refuse('pcode.stack', program, index, from, `a jump back leaves ${stack} on the stack`)
    const known = stacks[at]
    if (known === undefined) {
      stacks[at] = stack
      work.push(at)
    } else if (known !== stack) {
      refuse('pcode.stack', program, index, at, `the stack is ${known || 'empty'} or ${stack || 'empty'}`)
    }
  }
  reach(-1, 0, '')
  for (const target of targets) if (target >= 0 && target < count) reach(-1, target, '')
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    const stack = stacks[at] as string
    const effect = verifyInstruction(program, index, at, stack)
    effects[at] = effect
    const after = stack.slice(0, stack.length - effect.pops.length) + effect.pushes
    if (after.length > MAX_STACK_VALUES) refuse('pcode.limit', program, index, at, 'the stack is too deep')
    for (const next of successors(program, code, at)) reach(at, next, after)
  }
  return { index, routine, stacks, effects, outerTargets: targets }
}

function verifyInstruction(program: Program, index: number, at: number, stack: string): Effect {
  const routine = program.routines[index] as Routine
  const word = at * CODE_WORDS
  const number = routine.code[word + Field.row] as number
  const row = ROWS[number]
  if (!row) refuse('pcode.instruction', program, index, at, `there is no instruction ${number}`)
  const p = routine.code[word + Field.p] as number
  for (const operand of row.operands) {
    const value = routine.code[word + Field[operand.word]] as number
    const complaint = checkOperand(program, index, row, operand.kind, value, p)
    if (complaint) refuse('pcode.operand', program, index, at, `${ROW_NAMES[number]}: ${complaint}`)
  }
  const effect = effectOf(program, routine, row, routine.code[word + Field.q] as number, stack)
  if (!effect || !stack.endsWith(effect.pops)) {
    const wanted = effect ? effect.pops : 'something else'
    refuse('pcode.stack', program, index, at, `${ROW_NAMES[number]} wants ${wanted}; the stack is ${stack || 'empty'}`)
  }
  return effect
}

/** The instructions that may run after one. Of verified operands. */
export function successors(program: Program, code: Int32Array, at: number): number[] {
  const word = at * CODE_WORDS
  const row = ROWS[code[word + Field.row] as number]
  const found = row?.ends ? [] : [at + 1]
  for (const { kind } of row?.operands ?? []) {
    if (kind === 'label') found.push(code[word + Field.q] as number)
    if (kind !== 'table') continue
    const table = program.tables[code[word + Field.q] as number]
    if (table) found.push(...table.targets, table.fallback)
  }
  return found
}
