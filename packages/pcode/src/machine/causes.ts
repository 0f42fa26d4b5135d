/** One way in which a running program breaks a rule: its code, and its sentence with `$0`, `$1` … for the values. */
export interface CauseRow {
  readonly code: string
  readonly text: string
  /** What IORESULT is, where the program goes on after it (UCSD Pascal). */
  readonly ioResult?: number
}

/** The name of a cause. */
export type Cause =
  | 'range'
  | 'overflow'
  | 'longOverflow'
  | 'division'
  | 'modulus'
  | 'undefined'
  | 'nil'
  | 'pointer'
  | 'dangling'
  | 'case'
  | 'caseValue'
  | 'variant'
  | 'tag'
  | 'setRange'
  | 'conversion'
  | 'realDomain'
  | 'endOfFile'
  | 'notReading'
  | 'notWriting'
  | 'notOpen'
  | 'noFile'
  | 'buffer'
  | 'integerFormat'
  | 'realFormat'
  | 'width'
  | 'tooManyFiles'
  | 'disposeNil'
  | 'disposeBad'
  | 'bounds'
  | 'heap'
  | 'stack'
  | 'memory'
  | 'procedure'
  | 'stringLength'
  | 'stringIndex'
  | 'fileUndefined'
  | 'bufferMoved'
  | 'fileTitle'
  | 'noVolume'
  | 'fileMissing'
  | 'notClosed'
  | 'notTitled'
  | 'writeProtected'
  | 'noRoom'
  | 'seekRange'
  | 'beyondVariable'
  | 'badUnit'
  | 'budget'
  | 'noWaiting'

/** Why a program was stopped. The clauses are ISO 7185's. */
export const CAUSES: Readonly<Record<Cause, CauseRow>> = {
  range: { code: 'pascal.range', text: '$0 is not in $1..$2' },
  overflow: { code: 'pascal.overflow', text: 'the result is beyond maxint (6.7.2.2)' },
  longOverflow: { code: 'pascal.overflow', text: 'a long integer would have more than $0 digits' },
  division: { code: 'pascal.division', text: 'division by zero (6.7.2.2)' },
  modulus: { code: 'pascal.division', text: 'mod by $0, which is not positive (6.7.2.2)' },
  undefined: { code: 'pascal.undefined', text: 'a variable is used before it has a value (6.5.1)' },
  nil: { code: 'pascal.nil', text: 'nil is dereferenced (6.5.4)' },
  pointer: { code: 'pascal.pointer', text: 'the pointer has no value (6.5.4)' },
  dangling: { code: 'pascal.dangling', text: 'the pointer’s variable was disposed of (6.6.5.3)' },
  case: { code: 'pascal.case', text: 'no case matches (6.8.3.5)' },
  caseValue: { code: 'pascal.case', text: 'no case matches $0 (6.8.3.5)' },
  variant: { code: 'pascal.variant', text: 'the variant is not active (6.5.3.3)' },
  tag: { code: 'pascal.variant', text: 'the variable was made for certain variants, which stay (6.6.5.3)' },
  setRange: { code: 'pascal.set', text: '$0 cannot be an element of a set of $1..$2' },
  conversion: { code: 'pascal.conversion', text: '$0 has no integer that is near it (6.6.6.3)' },
  realDomain: { code: 'pascal.domain', text: 'the function has no value at $0 (6.6.6.2)' },
  endOfFile: { code: 'pascal.eof', text: 'there is nothing left to read (6.6.5.2)', ioResult: 14 },
  notReading: { code: 'pascal.file-mode', text: 'the file was not opened for reading (6.6.5.2)', ioResult: 3 },
  notWriting: { code: 'pascal.file-mode', text: 'the file was not opened for writing (6.6.5.2)', ioResult: 3 },
  notOpen: { code: 'pascal.file-mode', text: 'the file was neither reset nor rewritten (6.6.5.2)', ioResult: 13 },
  noFile: { code: 'pascal.file', text: 'there is no such file to read', ioResult: 10 },
  buffer: { code: 'pascal.buffer', text: 'the buffer variable has no value (6.6.5.2)' },
  integerFormat: { code: 'pascal.format', text: 'what is read is no integer (6.9.1)', ioResult: 14 },
  realFormat: { code: 'pascal.format', text: 'what is read is no number (6.9.1)', ioResult: 14 },
  width: { code: 'pascal.width', text: 'a field width of $0 is less than 1 (6.9.3.1)' },
  tooManyFiles: { code: 'pascal.file', text: 'more files than the machine has' },
  disposeNil: { code: 'pascal.nil', text: 'nil is disposed of (6.6.5.3)' },
  disposeBad: { code: 'pascal.pointer', text: 'what is disposed of did not come from new (6.6.5.3)' },
  bounds: { code: 'pascal.index', text: 'the array ends before the last element (6.6.5.4)' },
  heap: { code: 'pascal.heap', text: 'the memory limit is reached' },
  stack: { code: 'pascal.stack', text: 'procedures call too deep' },
  memory: { code: 'pascal.memory', text: 'an address lies outside the machine’s memory' },
  procedure: { code: 'pascal.procedure', text: 'the procedure has other parameters than the call' },
  stringLength: { code: 'pascal.string', text: 'a string of $0 characters is too long for one of $1' },
  stringIndex: { code: 'pascal.string', text: 'the string has no character $0' },
  fileUndefined: { code: 'pascal.undefined', text: 'the file was never written (6.6.5.2)', ioResult: 13 },
  bufferMoved: {
    code: 'pascal.buffer',
    text: 'the file was moved while something referred to its buffer variable (6.5.5)',
  },
  fileTitle: { code: 'pascal.title', text: 'this is no title of a file', ioResult: 7 },
  noRoom: { code: 'pascal.file', text: 'there is no room for the file', ioResult: 8 },
  noVolume: { code: 'pascal.file', text: 'there is no such volume', ioResult: 9 },
  fileMissing: { code: 'pascal.file', text: 'there is no such file', ioResult: 10 },
  notClosed: { code: 'pascal.file-mode', text: 'the file is open already', ioResult: 12 },
  notTitled: { code: 'pascal.file-mode', text: 'the file was not opened by a title', ioResult: 13 },
  writeProtected: { code: 'pascal.file', text: 'the file cannot be written', ioResult: 16 },
  seekRange: { code: 'pascal.file', text: 'a file has no such place', ioResult: 5 },
  beyondVariable: { code: 'pascal.range', text: '$0 bytes from here on are more than the variable has' },
  badUnit: { code: 'pascal.unit', text: 'there is no unit $0 here', ioResult: 2 },
  noWaiting: { code: 'pascal.waiting', text: 'this engine cannot wait for input; give it all before the start' },
  budget: { code: 'pascal.timeout', text: 'the program ran longer than it may' },
}

/** Causes by number, as generated code names them. */
export const CAUSE_LIST: readonly Cause[] = Object.keys(CAUSES) as Cause[]
const NUMBERS = new Map<Cause, number>(CAUSE_LIST.map((cause, i) => [cause, i]))

/** The number of a cause. */
export function causeNumber(cause: Cause): number {
  return NUMBERS.get(cause) as number
}
/** A cause's sentence with its values put in. */
export function causeText(cause: Cause, values: readonly number[]): string {
  return CAUSES[cause].text.replace(/\$(\d)/g, (_, i: string) => String(values[Number(i)] ?? '?'))
}
