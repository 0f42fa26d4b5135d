import type { FunctionBuilder, Node } from '@doppel/wasm'

/** A value that may be read as often as wanted: each call makes a new node. */
export type Value = () => Node

/** Where a called procedure finds its static link: the caller, the base, the system, or by its lexical level. */
export type LinkKind = 'local' | 'global' | 'base' | 'lexical'

/**
 * What the meaning of an instruction is written in. Words are 16 bits, zero-extended; addresses are byte addresses, cut
 * to 16 bits where they are used, and those of words to even ones.
 */
export interface Ops {
  readonly fn: FunctionBuilder
  pop(): Value
  /** The word popped as a signed integer. */
  popSigned(): Value
  popReal(): Value
  push(value: Node): void
  pushReal(value: Node): void
  word(address: Node): Node
  setWord(address: Node, value: Node): void
  byte(address: Node): Node
  setByte(address: Node, value: Node): void
  /** The address so many words further on. */
  plusWords(address: Node, words: Node): Node
  /** Addresses of variables by their word offsets, which begin with 1. */
  localAddress(offset: Node): Node
  globalAddress(offset: Node): Node
  /** Variables so near to their frame that what lies beyond the end of memory is only the gap behind it. */
  localWord(offset: number): Node
  globalWord(offset: number): Node
  intermediateAddress(levels: Node, offset: Node): Node
  externalAddress(segment: Node, offset: Node): Node
  /** Copies words upwards, the lowest first. */
  moveWords(to: Value, from: Value, words: Value): void
  /** Pushes words of memory, so that the first is on top; or, reversed, pops them into memory. */
  pushWords(from: Value, words: Value): void
  popWords(to: Value, words: Value): void
  /** The word so deep in the evaluation stack; 0 is the top. */
  peek(depth: Node): Node
  /** Takes words off the evaluation stack. */
  drop(words: Node): void
  /** Raises an execution error of the system where the condition holds. */
  faultIf(condition: Node, error: number): void
  /** The address of the next byte of code, and moving it: wherever code may turn, the evaluation stack is looked at. */
  ipc(): Node
  setIpc(address: Node): void
  /** Where a jump with this displacement leads: forwards, or by the jump table for a negative one. */
  jumpTarget(displacement: Node): Node
  call(segment: Value | undefined, procedure: Node, link: LinkKind): void
  return(words: Value, isBase: boolean): void
}
