import { JavaProblem } from '../problem.ts'
import { loopEntry } from '../translate/loops.ts'
import type { JavaClass, Method } from './classes.ts'
import type { Vm } from './vm.ts'

/**
 * Calls of a method before it is compiled again with what it calls, and looks at the world that a loop has taken. What is
 * compiled again costs milliseconds, here and in the engine, and gains some ten nanoseconds each time.
 */
const HOT_CALLS = 50_000
const HOT_LOOKS = 8
/** The share of the machine’s time that compiling again may take, and what it may take at once. */
const COMPILE_SHARE = 0.1
const COMPILE_START_MS = 0
/** Classes looked at to find which methods a call may reach. */
const MAX_HIERARCHY = 40

/** A method that a call may reach, and the classes that make it so. */
export interface Possible {
  readonly classes: JavaClass[]
  readonly selected: Method
}

/** Decides what is compiled again: counts calls and loop iterations, and remembers what calls reached. */
export class Tiers {
  readonly #vm: Vm
  /** Methods whose counters have been set. */
  readonly #counted = new Set<number>()
  readonly #profiles = new Map<number, Map<number, number>>()
  readonly #loops = new Map<number, { readonly method: Method; readonly at: number; place: number; looks: number }>()
  readonly #loopIds = new Map<number, Map<number, number>>()
  readonly #optimized = new Set<number>()
  #spentMs = 0
  readonly #startMs = performance.now()

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** The address of a method’s counter, which counts down to its next look at the world. */
  counter(method: Method): number {
    const { places, staticWords } = method.owner
    const address = places.statics + staticWords * 8 + (method.id - places.methods) * 4
    if (!this.#counted.has(method.id)) {
      this.#counted.add(method.id)
      this.#vm.view.setInt32(address, HOT_CALLS, true)
    }
    return address
  }
  /** The address where a call notes what it reached: a method, or the receiver’s class. */
  profile(method: Method, at: number): number {
    const known = this.#profiles.get(method.id)?.get(at)
    if (known !== undefined) return known
    const address = this.#vm.archive.places.memory(4)
    this.adoptProfile(method, at, address)
    return address
  }
  /** Says where code from an archive notes what a call reaches. */
  adoptProfile(method: Method, at: number, address: number): void {
    let sites = this.#profiles.get(method.id)
    if (!sites) this.#profiles.set(method.id, (sites = new Map()))
    sites.set(at, address)
  }
  /** What a call reached last; 0 when it never ran. */
  seen(method: Method, at: number): number {
    const address = this.#profiles.get(method.id)?.get(at)
    return address === undefined ? 0 : this.#vm.view.getInt32(address, true)
  }

  /** The number of a loop; one number for one loop, whoever compiles it. */
  loop(method: Method, at: number): number {
    const known = this.#loopIds.get(method.id)?.get(at)
    if (known !== undefined) return known
    const id = this.#vm.archive.places.loop()
    this.adoptLoop(method, at, id)
    return id
  }
  /** Says by which number code from an archive names a loop. */
  adoptLoop(method: Method, at: number, id: number): void {
    let loops = this.#loopIds.get(method.id)
    if (!loops) this.#loopIds.set(method.id, (loops = new Map()))
    loops.set(at, id)
    this.#loops.set(id, { method, at, place: 0, looks: 0 })
  }
  /**
   * The code-table place of the loop’s own code, 0 for none (yet); a loop that asks has run long. Code that is compiled
   * again already asks by the complement of the number.
   */
  loopPlace(number: number): number {
    const loop = this.#loops.get(number < 0 ? ~number : number)
    if (!loop || this.#vm.debug?.covers(loop.method.owner)) return 0
    const { method } = loop
    // Its method has been called anew, and ran long again.
    if (loop.place !== 0 && number >= 0) this.hot(method.id)
    const isHot = loop.place === 0 && ++loop.looks >= HOT_LOOKS
    const entry = isHot && this.#mayCompile() ? loopEntry(method, loop.at) : undefined
    if (entry) {
      const place = this.#vm.codeTable.allocate(1)
      this.#timed(() => {
        this.#vm.compiler.optimize(method, place, entry)
        loop.place = place
      })
    }
    return loop.place
  }
  /** A method has been called often. */
  hot(id: number): void {
    const method = this.#vm.classes.methodById(id)
    if (!method) return
    this.#vm.view.setInt32(this.counter(method), HOT_CALLS, true)
    if (this.#optimized.has(id) || !this.#mayCompile() || this.#vm.debug?.covers(method.owner)) return
    this.#optimized.add(id)
    this.#timed(() => this.#vm.compiler.optimize(method, method.id))
  }
  #mayCompile(): boolean {
    return this.#spentMs < COMPILE_START_MS + (performance.now() - this.#startMs) * COMPILE_SHARE
  }
  #timed(compile: () => void): void {
    const start = performance.now()
    try {
      compile()
    } catch (error) {
      // The code there is goes on; what is wrong with it shows when it runs.
      if (!(error instanceof JavaProblem)) throw error
    }
    this.#spentMs += performance.now() - start
  }

  /** The method that a class selects for an interface method; undefined when it selects none. */
  selectedBy(classId: number, method: Method): Method | undefined {
    if (classId === 0) return undefined
    const cls = this.#vm.classes.byId(classId)
    if (!cls?.isSubtypeOf(method.owner) || cls.isInterface) return undefined
    try {
      const selected = cls.select(method)
      return selected.isAbstract ? undefined : selected
    } catch (error) {
      if (error instanceof JavaProblem) return undefined
      throw error
    }
  }
  /** Every method that a call of `method` can reach by the classes loaded now; undefined when there are more than `max`. */
  possible(method: Method, max: number): readonly Possible[] | undefined {
    const found = new Map<number, Possible>()
    const open = [method.owner]
    const done = new Set<JavaClass>()
    for (let cls = open.pop(); cls; cls = open.pop()) {
      if (done.has(cls)) continue
      done.add(cls)
      if (done.size > MAX_HIERARCHY) return undefined
      open.push(...cls.below)
      if (cls.isInterface || (cls.access & 0x400) !== 0 || cls.state === 'loaded') continue
      const selected = method.virtualIndex >= 0 ? cls.virtuals[method.virtualIndex] : this.selectedBy(cls.id, method)
      if (!selected || selected.isAbstract) continue
      const key = method.virtualIndex >= 0 && !method.owner.isInterface ? selected.id : cls.id
      const known = found.get(key)
      if (known) known.classes.push(cls)
      else found.set(key, { classes: [cls], selected })
      if (found.size > max) return undefined
    }
    return [...found.values()]
  }
}
