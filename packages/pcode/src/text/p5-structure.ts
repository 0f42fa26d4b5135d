import { DoppelError } from '@doppel/base'
import { type Signature, type ValueType, VALUE_BYTES } from '../program/program.ts'
import { type InstructionName, Row, ROWS } from '../rows/p5.ts'
import { Csp, STANDARD, type StandardName } from '../rows/standard.ts'
import type { TextInstruction, TextProgram } from './p5-reader.ts'
import { ProcedureFlow } from './procedure-flow.ts'

/** A routine of P5's text before its frame is laid out. */
export interface TextRoutine {
  readonly label: number
  /** Its instructions: from `first` to before `end`. */
  readonly first: number
  readonly end: number
  /** Index of the enclosing routine; -1 for the main program, -2 while it is not known. */
  parent: number
  params: readonly ValueType[] | undefined
  readonly result: ValueType | undefined
  /** The letter of its `ret`, which says how the result is stored. */
  readonly returns: string
  /** What `ents` says, by which frames are laid out. */
  readonly ents: number
}
/** The routines of a text, and the types at calls. */
export interface TextStructure {
  readonly routines: readonly TextRoutine[]
  readonly byLabel: ReadonlyMap<number, number>
  /** Calls of procedures that are parameters, by instruction. */
  readonly indirect: Map<number, Signature>
}

const MAX_LEVELS = 64
const REAL_BYTES = 8

/** Refuses a text, saying which line is to blame. */
export function refuseText(instruction: TextInstruction, why: string): never {
  throw new DoppelError('pcode.structure', `p-code, line ${instruction.textLine} (${instruction.name}): ${why}`, {
    line: instruction.textLine,
  })
}

/** Finds routines, which encloses which, and their parameters, from how they are called. */
export function structureOf(text: TextProgram): TextStructure {
  const entries = new Map<number, number>()
  for (const instruction of text.code) {
    if (instruction.name === 'cup' || instruction.name === 'lpa')
      entries.set(instruction.label, placeOf(text, instruction))
  }
  const main = text.places.get(text.main)
  if (main === undefined) throw new DoppelError('pcode.structure', 'the p-code has no main program', {})
  entries.set(text.main, main)
  // The main program is routine 0; the others follow in the order of the text.
  const labels = [...entries.keys()].filter(label => label !== text.main)
  labels.sort((a, b) => (entries.get(a) as number) - (entries.get(b) as number))
  labels.unshift(text.main)
  const starts = [...entries.values()].sort((a, b) => a - b)
  const routines = labels.map(label => {
    const first = entries.get(label) as number
    return makeRoutine(text, label, first, starts.find(start => start > first) ?? text.code.length)
  })
  const byLabel = new Map(labels.map((label, i) => [label, i]))
  const indirect = new Map<number, Signature>()
  const structure = { routines, byLabel, indirect }
  const flow = new ProcedureFlow(text.geometry.markBytes)
  ;(routines[0] as TextRoutine).parent = -1
  ;(routines[0] as TextRoutine).params = []
  // A routine is looked at once its level is known, since calls are told by differences of levels.
  const work = [0]
  for (let index = work.pop(); index !== undefined; index = work.pop())
    work.push(...scanRoutine(text, structure, index, flow))
  // Routines that are only ever values have the parameters of the calls that they flow to.
  routines.forEach((routine, index) => {
    if (routine.parent !== -2) routine.params ??= flow.callOf(index)?.params ?? []
  })
  return structure
}

function placeOf(text: TextProgram, instruction: TextInstruction): number {
  return text.places.get(instruction.label) ?? refuseText(instruction, `there is no label ${instruction.label}`)
}

function makeRoutine(text: TextProgram, label: number, first: number, end: number): TextRoutine {
  const body = text.code.slice(first, end)
  const ents = body[0]
  if (ents?.name !== 'ents')
    throw new DoppelError('pcode.structure', `label ${label} does not begin with ents`, { label })
  const size = text.values.get(ents.label) ?? refuseText(ents, `label ${ents.label} has no value`)
  if (text.geometry.frameBytes(size) === undefined) refuseText(ents, `a frame cannot end at ${size}`)
  const leave = body.find(instruction => instruction.name.startsWith('ret'))
  const returns = leave?.name.slice(3) ?? 'p'
  const result = returns === 'p' ? undefined : returns === 'r' ? 'r' : 'i'
  return { label, first, end, parent: -2, params: undefined, result, returns, ents: size }
}

/** The routine so many levels up. */
export function enclosingText(routines: readonly TextRoutine[], index: number, levels: number): number {
  let at = index
  for (let i = 0; i < levels && i <= MAX_LEVELS; i++) at = routines[at]?.parent ?? -1
  return at
}

/** Follows the types on the operand stack through a routine; the routines that are now known for the first time. */
function scanRoutine(text: TextProgram, structure: TextStructure, index: number, flow: ProcedureFlow): number[] {
  const { routines, byLabel, indirect } = structure
  const routine = routines[index] as TextRoutine
  const found: number[] = []
  const marks: { depth: number; levels: number; resultBytes: number }[] = []
  let stack: ValueType[] = []
  const enclose = (instruction: TextInstruction, callee: TextRoutine, levels: number): void => {
    const parent = enclosingText(routines, index, levels)
    if (parent < 0) refuseText(instruction, `there is no level ${levels}`)
    if (callee.parent === -2) {
      callee.parent = parent
      found.push(routines.indexOf(callee))
    } else if (callee.parent !== parent) refuseText(instruction, 'the routine is called at two levels')
  }
  for (let at = routine.first; at < routine.end; at++) {
    const instruction = text.code[at] as TextInstruction
    const [first = 0] = instruction.numbers
    switch (instruction.name) {
      case 'mst':
        marks.push({ depth: stack.length, levels: first, resultBytes: text.values.get(instruction.label) ?? 0 })
        break
      case 'cup':
      case 'cip': {
        const mark = marks.pop() ?? refuseText(instruction, 'no mst belongs to it')
        const params = stack.slice(mark.depth)
        stack = stack.slice(0, mark.depth)
        if (instruction.name === 'cip') {
          if (params.pop() !== 'i') refuseText(instruction, 'no address of a procedure is on the stack')
          const result = mark.resultBytes === 0 ? undefined : mark.resultBytes === REAL_BYTES ? 'r' : 'i'
          indirect.set(at, { params, result })
          const [levels = 0, offset = 0] = text.code[at - 1]?.numbers ?? []
          flow.called(enclosingText(routines, index, levels), offset, { params, result })
          if (result) stack.push(result)
          break
        }
        const callee = routines[byLabel.get(instruction.label) as number] as TextRoutine
        callee.params ??= params
        if (callee.params.join() !== params.join())
          refuseText(instruction, 'two calls differ in the types of parameters')
        enclose(instruction, callee, mark.levels)
        flow.passed(byLabel.get(instruction.label) as number, params, mark.depth)
        if (callee.result) stack.push(callee.result)
        break
      }
      case 'lpa':
        enclose(instruction, routines[byLabel.get(instruction.label) as number] as TextRoutine, first)
        flow.pushed(stack.length, byLabel.get(instruction.label) as number)
        stack.push('i', 'i')
        break
      case 'lip':
        flow.loaded(stack.length, enclosingText(routines, index, first), instruction.numbers[1] ?? 0)
        stack.push('i', 'i')
        break
      default:
        step(instruction, stack)
    }
  }
  return found
}

/** What an instruction that is no call does to the types on the stack; too little on it is found by the verifier. */
function step(instruction: TextInstruction, stack: ValueType[]): void {
  const { name } = instruction
  if (name === 'csp') return standardStep(instruction, stack)
  if (name.startsWith('ret') || ['ents', 'ente', 'vbe', 'wbs', 'wbe', 'ujc'].includes(name) || name.startsWith('ivt'))
    return
  if (name === 'inv' || name === 'vbs') {
    stack.pop()
    return
  }
  if (name === 'dmp') {
    for (let bytes = instruction.numbers[0] ?? 0; bytes > 0; ) bytes -= VALUE_BYTES[stack.pop() ?? 's']
    return
  }
  if (name === 'swp') {
    stack.push(...stack.splice(-2).reverse())
    return
  }
  const row = ROWS[Row[name as InstructionName]]
  if (!row) refuseText(instruction, 'there is no such instruction')
  stack.splice(Math.max(stack.length - row.pops.length, 0))
  stack.push(...row.pushes)
}
function standardStep(instruction: TextInstruction, stack: ValueType[]): void {
  if (instruction.string === 'nwl' || instruction.string === 'dsl') {
    // Address, tags, their number, size: the number is told by the instruction before the last.
    stack.length = 0
    return
  }
  const row = STANDARD[Csp[instruction.string as StandardName]]
  if (!row) refuseText(instruction, `there is no standard procedure ${instruction.string}`)
  stack.splice(Math.max(stack.length - row.pops.length, 0))
  stack.push(...row.pushes)
}
