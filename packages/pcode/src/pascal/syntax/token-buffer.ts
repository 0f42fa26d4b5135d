const FIRST_TOKENS = 1024

/** Tokens as columns: kind, span, and a name's or literal's number. */
export class TokenBuffer {
  kinds: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_TOKENS)
  starts: Int32Array<ArrayBuffer> = new Int32Array(FIRST_TOKENS)
  ends: Int32Array<ArrayBuffer> = new Int32Array(FIRST_TOKENS)
  /** A word's number in `Names`, a literal's in `literals`. */
  values: Int32Array<ArrayBuffer> = new Int32Array(FIRST_TOKENS)
  /** Numbers' values and strings' characters. */
  readonly literals: (number | string)[] = []
  /** Starts and ends of comments in turn. */
  readonly comments: number[] = []
  /** Files that `{$U file}` names, each with the number of tokens before it. */
  readonly unitFiles: { readonly at: number; readonly file: string }[] = []
  count = 0
  /** The rest of the text was lost, so that its end says nothing. */
  isCut = false

  /** Makes room for so many tokens at once. */
  reserve(tokens: number): void {
    if (tokens > this.kinds.length) this.#resize(tokens)
  }

  push(kind: number, start: number, end: number, value: number): void {
    const { count } = this
    if (count === this.kinds.length) this.#resize(count * 2)
    this.kinds[count] = kind
    this.starts[count] = start
    this.ends[count] = end
    this.values[count] = value
    this.count = count + 1
  }

  pushLiteral(kind: number, start: number, end: number, value: number | string): void {
    this.push(kind, start, end, this.literals.push(value) - 1)
  }

  pushComment(start: number, end: number): void {
    this.comments.push(start, end)
  }

  #resize(length: number): void {
    const grown = <T extends Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    this.kinds = grown(new Uint8Array(length), this.kinds)
    this.starts = grown(new Int32Array(length), this.starts)
    this.ends = grown(new Int32Array(length), this.ends)
    this.values = grown(new Int32Array(length), this.values)
  }
}
