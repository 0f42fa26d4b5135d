/**
 * Storage for expression nodes and statements on typed arrays. One arena is reused for function after function, so that
 * building code at run time allocates next to nothing.
 */
export class Arena {
  op: Int32Array = new Int32Array(INITIAL)
  type: Int32Array = new Int32Array(INITIAL)
  /** First operand's place in `operands`, and their number. */
  first: Int32Array = new Int32Array(INITIAL)
  count: Int32Array = new Int32Array(INITIAL)
  /** Immediates: meaning by opcode (local, offset, constant's low and high word, …). */
  imm0: Int32Array = new Int32Array(INITIAL)
  imm1: Int32Array = new Int32Array(INITIAL)
  /** Statement chains: the next statement of the same block, 0 at the end. */
  next: Int32Array = new Int32Array(INITIAL)
  operands: Int32Array = new Int32Array(INITIAL * 2)
  /** Node 0 is never used, so that 0 can mean "none". */
  nodes = 1
  used = 0

  reset(): void {
    this.nodes = 1
    this.used = 0
  }

  /** A new node with room for its operands; the caller fills `operands` from `first` on. */
  node(op: number, type: number, count: number, imm0: number, imm1: number): number {
    if (this.nodes === this.op.length) this.#growNodes()
    if (this.used + count > this.operands.length) this.operands = grown(this.operands)
    const id = this.nodes++
    this.op[id] = op
    this.type[id] = type
    this.first[id] = this.used
    this.count[id] = count
    this.imm0[id] = imm0
    this.imm1[id] = imm1
    this.next[id] = 0
    this.used += count
    return id
  }

  #growNodes(): void {
    this.op = grown(this.op)
    this.type = grown(this.type)
    this.first = grown(this.first)
    this.count = grown(this.count)
    this.imm0 = grown(this.imm0)
    this.imm1 = grown(this.imm1)
    this.next = grown(this.next)
  }
}

const INITIAL = 4096

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
