import type { RealStyle } from '../machine/number-text.ts'
import type { SourcePosition } from '../source-position.ts'
import type { TypeSymbol } from './type-symbol.ts'

/** What the verifier tells apart on the operand stack: a 32-bit word, a real, a set of 0..255, a set of 0..63. */
export type ValueType = 'i' | 'r' | 's' | 't'

/** Bytes that a value takes in a frame's parameter area and in what `dmp` counts. */
export const VALUE_BYTES: Readonly<Record<ValueType, number>> = { i: 4, r: 8, s: 32, t: 8 }

/** How a value is stored: a letter of the instruction's name. `h` and `t` are not P5's. */
export type StorageClass = 'i' | 'a' | 'b' | 'c' | 'x' | 'h' | 'r' | 's' | 't'

/** For each storage class: its bytes in memory and its type on the operand stack. */
export const STORAGE: Readonly<Record<StorageClass, { readonly bytes: number; readonly type: ValueType }>> = {
  i: { bytes: 4, type: 'i' },
  a: { bytes: 4, type: 'i' },
  b: { bytes: 1, type: 'i' },
  c: { bytes: 1, type: 'i' },
  x: { bytes: 1, type: 'i' },
  h: { bytes: 2, type: 'i' },
  r: { bytes: 8, type: 'r' },
  s: { bytes: 32, type: 's' },
  t: { bytes: 8, type: 't' },
}

/** Words of one instruction in `Routine.code`: row number, three operands, line. */
export const CODE_WORDS = 5
/** Where each of those words stands. */
export const Field = { row: 0, p: 1, q: 2, r: 3, line: 4 } as const
/** A line word holds the line in its low bits and the index of the source file above them. */
export const LINE_BITS = 20

/** The lowest integer, which is no value of Pascal's integer type (ISO 7185 6.4.2.2): an undefined word. */
export const UNDEFINED_WORD = -0x8000_0000
/** The address that stands for nil: that of a word that never is a heap block's header. */
export const NIL = 16

/** A named object in a frame or among the globals; temporaries have the name ''. */
export interface Variable {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  readonly type: TypeSymbol
}

/** Parameters, first pushed first, and result of what `cip` calls. */
export interface Signature {
  readonly params: readonly ValueType[]
  readonly result: ValueType | undefined
}

/** The targets of `xjp`, as instruction indices of the routine that names the table. */
export interface JumpTable {
  readonly low: number
  readonly targets: readonly number[]
  readonly fallback: number
}

/** A program parameter that is a file (ISO 7185 6.10), by the global that is its file variable. */
export interface FileParameter {
  readonly name: string
  readonly offset: number
  readonly text: boolean
  readonly componentBytes: number
  /** How it is open from the start. Where this is left out, `input` is for reading and `output` for writing (6.10). */
  readonly opened?: 'reading' | 'writing'
}

/** A procedure, a function, or the main program. */
export interface Routine extends Signature {
  readonly name: string
  /** Index of the enclosing routine; -1 for the main program. */
  readonly parent: number
  /** Where each parameter lives in the frame. */
  readonly paramOffsets: readonly number[]
  readonly frameBytes: number
  /** Every object in the frame. Where there are none, code may reach anything from any address in the frame. */
  readonly variables: readonly Variable[]
  /** Instructions, `CODE_WORDS` words each. */
  readonly code: Int32Array
  /** Where in the source each instruction comes from, for `Program.locate`. */
  readonly positions?: Int32Array
}

/** A program in the p-code of the P5 family, with jumps, calls and variables resolved. */
export interface Program {
  readonly name: string
  /** Source files by the index in line words; the first is the main one. Empty when unknown. */
  readonly sources: readonly string[]
  /** The first is the main program. */
  readonly routines: readonly Routine[]
  readonly globalBytes: number
  readonly globals: readonly Variable[]
  readonly constants: Uint8Array
  readonly reals: readonly number[]
  /** 32 bytes each, element e in bit e. */
  readonly sets: readonly Uint8Array[]
  readonly tables: readonly JumpTable[]
  readonly signatures: readonly Signature[]
  readonly files: readonly FileParameter[]
  /** Bytes of a file variable before its buffer. */
  readonly fileIdBytes: number
  /** Fresh memory holds undefined words, not zeros. */
  readonly undefined: boolean
  /** Integer arithmetic traps on overflow. */
  readonly overflow: boolean
  /** File, line and column of an instruction's source position; undefined where only lines are known. */
  readonly locate?: (position: number) => SourcePosition
  /** How reals are written in floating form; undefined for the machine's own way. */
  readonly realStyle?: RealStyle
}
