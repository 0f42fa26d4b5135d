/** Up to two files of 32 registers, as bit masks in plain numbers: making one costs next to nothing. */
export class RegisterSet {
  /** The registers of the first file, and of the second. */
  first: number
  second: number

  constructor(first = 0, second = 0) {
    this.first = first
    this.second = second
  }
  /** The registers of a file, as bits. */
  of(file: number): number {
    return file === 0 ? this.first : this.second
  }
  has(file: number, register: number): boolean {
    return (this.of(file) & (1 << register)) !== 0
  }
  add(file: number, register: number): void {
    if (file === 0) this.first |= 1 << register
    else this.second |= 1 << register
  }
  /** Adds what `from` has and `except` has not; true when that changed anything. */
  addAll(from: RegisterSet, except: RegisterSet = NONE): boolean {
    const first = this.first | (from.first & ~except.first)
    const second = this.second | (from.second & ~except.second)
    const changed = first !== this.first || second !== this.second
    this.first = first
    this.second = second
    return changed
  }
  /** What is in here and not in `other`. */
  without(other: RegisterSet): RegisterSet {
    return new RegisterSet(this.first & ~other.first, this.second & ~other.second)
  }
  intersect(other: RegisterSet): RegisterSet {
    return new RegisterSet(this.first & other.first, this.second & other.second)
  }
  get isEmpty(): boolean {
    return this.first === 0 && this.second === 0
  }
  copy(): RegisterSet {
    return new RegisterSet(this.first, this.second)
  }
}

const NONE = new RegisterSet()
