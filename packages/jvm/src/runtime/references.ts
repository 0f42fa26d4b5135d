import type { JavaClass, Ref } from './classes.ts'
import type { Vm } from './vm.ts'

/** References made since the last time that referents were let go of: at most so many. */
const MAX_YOUNG = 20_000

interface Entry {
  readonly self: WeakRef<object>
  readonly target: WeakRef<object>
}

/**
 * Weak and phantom references (java.lang.ref). A reference begins by holding its referent like any field; when it ages, the
 * referent is held by the host weakly instead, and the field is null. Soft references do so when memory is short; nothing is
 * ever finalized, since a host that lets go of an object cannot bring it back (JLS §12.6 promises no finalization).
 */
export class References {
  readonly #vm: Vm
  #young: object[] = []
  readonly #entries = new Map<number, Entry>()
  #next = 1
  readonly #registry: FinalizationRegistry<number>
  /** References whose referents are gone, for the library’s reference handler. */
  #pending: object[] = []
  #wake: (() => void) | undefined
  #weak: readonly (JavaClass | undefined)[] | undefined

  constructor(vm: Vm) {
    this.#vm = vm
    this.#registry = new FinalizationRegistry(id => this.#gone(id))
  }

  /** A reference object has been given its referent. */
  made(reference: Ref): void {
    if (reference === null) return
    if (this.#isSoft(reference)) return this.#madeSoft(reference)
    if (!this.#isWeak(reference)) return
    this.#young.push(reference)
    if (this.#young.length > MAX_YOUNG) this.age()
  }
  #isWeak(reference: object): boolean {
    this.#weak ??= ['WeakReference', 'PhantomReference'].map(name => this.#vm.classes.findBoot(`java/lang/ref/${name}`))
    const cls = this.#vm.heap.classOf(reference)
    return this.#weak.some(weak => weak !== undefined && cls.isSubtypeOf(weak))
  }
  #isSoft(reference: object): boolean {
    this.#softClass ??= this.#vm.classes.findBoot('java/lang/ref/SoftReference')
    return this.#softClass !== undefined && this.#vm.heap.classOf(reference).isSubtypeOf(this.#softClass)
  }
  #softClass: JavaClass | undefined
  /** Soft references, which hold their referents until memory is short. */
  #soft: WeakRef<object>[] = []
  #softMax = MAX_YOUNG
  #madeSoft(reference: object): void {
    this.#soft.push(new WeakRef(reference))
    if (this.#soft.length <= this.#softMax) return
    this.#soft = this.#soft.filter(held => held.deref() !== undefined)
    this.#softMax = Math.max(MAX_YOUNG, this.#soft.length * 2)
  }
  /** Makes soft references hold their referents weakly; false when there were none that held any. */
  ageSoft(): boolean {
    const { heap } = this.#vm
    const soft = this.#soft.flatMap(held => held.deref() ?? [])
    this.#soft = []
    const holding = soft.filter(reference => heap.get(reference, 'referent') !== null)
    this.#young.push(...holding)
    this.age()
    return holding.length > 0
  }
  /** Lets go of the referents of all references made so far. */
  age(): void {
    const { heap } = this.#vm
    const young = this.#young
    this.#young = []
    for (const reference of young) {
      const referent = heap.get(reference, 'referent') as Ref
      if (referent === null) continue
      const id = this.#next++
      const self = new WeakRef(reference)
      this.#entries.set(id, { self, target: new WeakRef(referent) })
      this.#registry.register(referent, id, self)
      heap.set(reference, '$weak', id)
      heap.set(reference, 'referent', null)
    }
  }
  /** The referent of a reference whose field is null. */
  referent(reference: Ref): Ref {
    const id = this.#vm.heap.get(reference, '$weak') as number
    return (id !== 0 && this.#entries.get(id)?.target.deref()) || null
  }
  /** Reference.clear: nothing is enqueued later. */
  clear(reference: Ref): void {
    const { heap } = this.#vm
    heap.set(reference, 'referent', null)
    const id = heap.get(reference, '$weak') as number
    if (id === 0) return
    heap.set(reference, '$weak', 0)
    this.#forget(id)
  }
  #forget(id: number): void {
    const entry = this.#entries.get(id)
    if (entry) this.#registry.unregister(entry.self)
    this.#entries.delete(id)
  }
  #gone(id: number): void {
    const reference = this.#entries.get(id)?.self.deref()
    this.#entries.delete(id)
    if (!reference) return
    this.#vm.heap.set(reference, '$weak', 0)
    this.#pending.push(reference)
    this.#wake?.()
  }

  get hasPending(): boolean {
    return this.#pending.length > 0
  }
  /** The pending references, each linked to the next by its field `discovered`; null when there are none. */
  takePending(): Ref {
    const taken = this.#pending
    this.#pending = []
    taken.forEach((reference, i) => this.#vm.heap.set(reference, 'discovered', taken[i + 1] ?? null))
    return taken[0] ?? null
  }
  /** Resolves when there is a pending reference. */
  async untilPending(): Promise<void> {
    while (this.#pending.length === 0) await new Promise<void>(resolve => (this.#wake = resolve))
  }
}
