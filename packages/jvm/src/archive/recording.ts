import type { JavaClass } from '../runtime/classes.ts'

/** What must be true of a class that code names, besides that it is loaded. */
export const USE = { loaded: 0, linked: 1, mirror: 2 } as const

/** What the code being translated takes for granted, so that it can be used again where that is so too. */
export class Recording {
  /** False once the code depends on what an archive cannot name, such as a hidden class. */
  fits = true
  /** Classes that names in the constant pool lead to, with flags of `USE`. */
  readonly classes: Map<JavaClass, number> = new Map()
  /** Places of call sites, and of the code for signature-polymorphic methods. */
  readonly sites: number[] = []
  readonly polymorphic: number[] = []
  /** Pairs of an offset and the address where the call there notes what it reaches. */
  readonly calls: number[] = []
  /** Pairs of an offset and the number of the loop that begins there. */
  readonly loops: number[] = []
  readonly strings: (readonly [text: string, place: number])[] = []

  /** What was noted of places is of code that is given up; it is translated again. */
  restart(): void {
    for (const noted of [this.sites, this.polymorphic, this.calls, this.loops, this.strings]) noted.length = 0
  }
  uses(cls: JavaClass, how: number): void {
    if (!cls.kept) this.fits = false
    this.classes.set(cls, (this.classes.get(cls) ?? 0) | how)
  }
}
