import type { StandardName } from '../../rows/standard.ts'
import { type Expression, isAccess } from '../syntax/tree.ts'
import { sizeOf } from '../generate/storage.ts'
import { changed, converted, countOf } from './calls.ts'
import type { CheckedStatement, Operand, Place, Value } from './checked.ts'
import { type Context, ordinalValue } from './context.ts'
import type { CallNode, RequiredRow } from './required-rows.ts'
import { badString, standard, stringValue } from './strings.ts'
import type { Label, Routine } from './symbols.ts'
import { CHAR, INTEGER, REAL, showType, type Type } from './types.ts'

const EMPTY: CheckedStatement = { op: 'empty' }

/** What an argument must be: a string, an integer, one that may be long, a char, any ordinal value, a variable that is a string, any variable. */
export type Want = 'string' | 'integer' | 'any integer' | 'byte' | 'char' | 'string variable' | 'variable'

/** Reads a call's arguments; undefined after what is wrong with them was reported. */
export function argumentsOf(c: Context, node: CallNode, wanted: readonly Want[]): readonly Operand[] | undefined {
  if (node.args.length !== wanted.length) {
    for (const { value } of node.args) c.value(value)
    c.report('argument-count', node, c.quote(node.callee), countOf(wanted.length, 'parameter'), node.args.length)
    return undefined
  }
  const operands = node.args.map(({ value }, i) => operandOf(c, node, value, wanted[i] as Want))
  return operands.every(operand => operand !== undefined) ? operands : undefined
}

function operandOf(c: Context, node: CallNode, argument: Expression, want: Want): Operand | undefined {
  const what = c.quote(node.callee)
  switch (want) {
    case 'string':
      return stringValue(c, c.value(argument), argument, what)
    case 'byte': {
      const value = c.value(argument)
      if (value.type.kind === 'error' || value.type.kind === 'ordinal') return value
      return converted(c, CHAR, value, argument)
    }
    case 'any integer':
    case 'integer':
    case 'char': {
      const value = c.value(argument)
      if (want === 'any integer' && value.type.kind === 'long') return value
      const type = want === 'char' ? CHAR : INTEGER
      if (value.type.kind === 'error') return undefined
      return converted(c, type, value, argument)
    }
    default: {
      const place = placeOf(c, argument, what)
      if (place === undefined) return undefined
      if (want === 'string variable' && place.type.kind !== 'string') {
        c.report('string-needed', argument, what, showType(place.type))
        return undefined
      }
      changed(c, place, argument)
      return { op: 'address', place }
    }
  }
}

/** The address of a place, and where the variable that it is in begins and how many bytes that has: what lies beyond is not touched. */
export function areaOf(place: Place): readonly Operand[] {
  let whole = place
  while (whole.at === 'index' || whole.at === 'field' || whole.at === 'character') whole = whole.base
  return [
    { op: 'address', place },
    { op: 'address', place: whole },
    ordinalValue(place.pos, INTEGER, sizeOf(whole.type).bytes),
  ]
}

/** A variable that a call is given; undefined after what is wrong was reported. */
export function placeOf(c: Context, argument: Expression, what: string): Place | undefined {
  if (!isAccess(argument)) {
    c.value(argument)
    c.report('variable-needed', argument, what)
    return undefined
  }
  const place = c.place(argument)
  return place.type.kind === 'error' ? undefined : place
}

/** How long the string may become that an operand is the address of. */
function roomOf(pos: number, operand: Operand | undefined): Value {
  const type: Type | undefined = operand?.op === 'address' ? operand.place.type : undefined
  return ordinalValue(pos, INTEGER, type?.kind === 'string' ? type.max : 0)
}

/** A function of strings that is an integer. */
function measure(name: string, wanted: readonly Want[], row: StandardName): RequiredRow {
  return {
    name,
    isFunction: true,
    value(c, node) {
      const operands = argumentsOf(c, node, wanted)
      if (operands === undefined) return badString(node.pos)
      return { op: 'standard', name: row, operands, roomBytes: 0, pos: node.pos, type: INTEGER, low: 0, high: 255 }
    },
  }
}

/** A procedure whose operands are its arguments, and more that are made from them. */
function action(
  name: string,
  wanted: readonly Want[],
  row: StandardName,
  more: (operands: readonly Operand[], pos: number) => readonly Operand[] = () => [],
): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const operands = argumentsOf(c, node, wanted)
      if (operands === undefined) return EMPTY
      return { op: 'standard', pos: node.pos, name: row, operands: [...operands, ...more(operands, node.pos)] }
    },
  }
}

/** A procedure on the bytes of variables. */
function area(name: string, wanted: readonly Want[], row: StandardName): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const operands = argumentsOf(c, node, wanted)
      if (operands === undefined) return EMPTY
      const areas = operands.flatMap(operand => (operand.op === 'address' ? areaOf(operand.place) : [operand]))
      return { op: 'standard', pos: node.pos, name: row, operands: areas }
    },
  }
}

const concatRow: RequiredRow = {
  name: 'concat',
  isFunction: true,
  value(c, node) {
    const strings = node.args.map(({ value }) => stringValue(c, c.value(value), value, c.quote(node.callee)))
    const [first, ...others] = strings
    if (node.args.length === 0) c.report('argument-count', node, c.quote(node.callee), 'a string at least', 0)
    if (first === undefined || others.includes(undefined)) return badString(node.pos)
    return (others as Value[]).reduce(
      (joined, next) => standard(node.pos, 'sap', [joined, next], undefined, false),
      standard(node.pos, 'scp', [first]),
    )
  },
}

const copyRow: RequiredRow = {
  name: 'copy',
  isFunction: true,
  value(c, node) {
    const operands = argumentsOf(c, node, ['string', 'integer', 'integer'])
    return operands === undefined ? badString(node.pos) : standard(node.pos, 'scy', operands)
  },
}

const strRow: RequiredRow = {
  name: 'str',
  isFunction: false,
  statement(c, node) {
    const operands = argumentsOf(c, node, ['any integer', 'string variable'])
    if (operands === undefined) return EMPTY
    const [value, into] = operands
    const isLong = value !== undefined && value.op !== 'address' && value.type.kind === 'long'
    const more = roomOf(node.pos, into)
    return { op: 'standard', pos: node.pos, name: isLong ? 'lgx' : 'its', operands: [...operands, more] }
  },
}

const powerRow: RequiredRow = {
  name: 'pwroften',
  isFunction: true,
  value(c, node) {
    const operands = argumentsOf(c, node, ['integer'])
    if (operands === undefined) return badString(node.pos)
    return { op: 'standard', name: 'pwr', operands, roomBytes: 0, pos: node.pos, type: REAL, low: 0, high: 0 }
  },
}

/** Bytes of a variable or of those of a type. */
const sizeRow: RequiredRow = {
  name: 'sizeof',
  isFunction: true,
  value(c, node) {
    const [argument] = node.args
    if (argument === undefined || node.args.length > 1) {
      c.report('argument-count', node, c.quote(node.callee), 'a variable or a type', node.args.length)
      return badString(node.pos)
    }
    const { value } = argument
    const entity = value.kind === 'name' ? c.scopes.peek(value.id)?.entity : undefined
    const type = entity?.kind === 'type' ? entity.type : placeOf(c, value, c.quote(node.callee))?.type
    if (value.kind === 'name' && entity?.kind === 'type') c.find(value)
    return type === undefined ? badString(node.pos) : ordinalValue(node.pos, INTEGER, sizeOf(type).bytes)
  },
}

/** Ends the activation of a routine around, or the program. */
const exitRow: RequiredRow = {
  name: 'exit',
  isFunction: false,
  statement(c, node) {
    const [argument] = node.args
    const name = argument?.value
    if (name?.kind !== 'name' || node.args.length > 1) {
      c.report('exit-target', node)
      return EMPTY
    }
    const isProgram = /^program$/i.test(c.sources.slice(name.pos, name.end)) || isMain(c, name.id)
    const entity = isProgram ? mainOf(c.routine) : c.find(name)
    for (let around: Routine | undefined = c.routine; around; around = around.parent) {
      if (around === entity) return { op: 'goto', pos: node.pos, target: exitOf(around, c.routine) }
    }
    if (entity.kind !== 'unknown') c.report('exit-target', name)
    return EMPTY
  },
}
function isMain(c: Context, name: number): boolean {
  return c.scopes.peek(name) === undefined && c.names.text(name) === mainOf(c.routine).name.toLowerCase()
}
function mainOf(routine: Routine): Routine {
  return routine.parent ? mainOf(routine.parent) : routine
}
/** The label at a routine's end. */
function exitOf(routine: Routine, from: Routine): Label {
  routine.exit ??= {
    value: -1,
    owner: routine,
    span: routine.span,
    region: undefined,
    isPlaced: true,
    isNonLocal: false,
  }
  if (from !== routine) routine.exit.isNonLocal = true
  return routine.exit
}

/** What UCSD Pascal has besides the standard's procedures and functions. */
export const UCSD_ROUTINES: readonly RequiredRow[] = [
  measure('length', ['string'], 'sln'),
  measure('pos', ['string', 'string'], 'sps'),
  concatRow,
  copyRow,
  action('delete', ['string variable', 'integer', 'integer'], 'sdl'),
  action('insert', ['string', 'string variable', 'integer'], 'sns', ([, into], pos) => [roomOf(pos, into)]),
  strRow,
  area('moveleft', ['variable', 'variable', 'integer'], 'mvl'),
  area('moveright', ['variable', 'variable', 'integer'], 'mvr'),
  area('fillchar', ['variable', 'integer', 'byte'], 'fil'),
  action('halt', [], 'hlt', (_, pos) => [ordinalValue(pos, INTEGER, 0)]),
  powerRow,
  sizeRow,
  exitRow,
]
