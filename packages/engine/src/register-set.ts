/** Up to two files of 32 registers, as bit masks. */
export class RegisterSet {
  readonly words: Int32Array = new Int32Array(2)

  has(file: number, register: number): boolean {
    return ((this.words[file] as number) & (1 << register)) !== 0
  }
  add(file: number, register: number): void {
    this.words[file] = (this.words[file] as number) | (1 << register)
  }
  /** Adds what `from` has and `except` has not; true when that changed anything. */
  addAll(from: RegisterSet, except?: RegisterSet): boolean {
    let changed = false
    for (let i = 0; i < 2; i++) {
      const before = this.words[i] as number
      const after = before | ((from.words[i] as number) & ~(except?.words[i] ?? 0))
      this.words[i] = after
      if (after !== before) changed = true
    }
    return changed
  }
  /** What is in here and not in `other`. */
  without(other: RegisterSet): RegisterSet {
    const set = new RegisterSet()
    set.addAll(this, other)
    return set
  }
  intersect(other: RegisterSet): RegisterSet {
    const set = this.copy()
    for (let i = 0; i < 2; i++) set.words[i] = (set.words[i] as number) & (other.words[i] as number)
    return set
  }
  get isEmpty(): boolean {
    return this.words[0] === 0 && this.words[1] === 0
  }
  copy(): RegisterSet {
    const set = new RegisterSet()
    set.addAll(this)
    return set
  }
}
