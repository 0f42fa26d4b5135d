import type { Field, JavaClass, Ref } from './classes.ts'
import type { Vm } from './vm.ts'

/** The java.lang.Class objects. */
export class Mirrors {
  readonly #vm: Vm
  /** Classes whose objects are at their places. */
  readonly #placed = new Set<number>()

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** The Class object of a class, made when first asked for. */
  of(cls: JavaClass): Ref {
    return cls.mirror ?? this.#make(cls)
  }
  /** Its place in the table of references. */
  placeOf(cls: JavaClass): number {
    const place = cls.places.references
    if (!this.#placed.has(cls.id)) {
      this.#vm.rt.refs.set(place, this.of(cls))
      this.#placed.add(cls.id)
    }
    return place
  }

  #make(cls: JavaClass): Ref {
    const { heap, classes, rt } = this.#vm
    const type = classes.boot('java/lang/Class')
    this.#vm.linker.link(type)
    const mirror = heap.allocate(type)
    cls.mirror = mirror
    const set = (name: string, value: number | Ref): void => heap.setField(mirror, type.findField(name) as Field, value)
    set('$class', cls.id)
    set('classLoader', cls.loader.object)
    if (cls.element) set('componentType', this.of(cls.element))
    if (cls.state !== 'loaded' && !cls.primitive) rt.setMirror(cls.id, mirror)
    const modules = this.#vm.state.get('moduleOf') as ((cls: JavaClass) => Ref) | undefined
    if (modules) set('module', modules(cls))
    return mirror
  }
}
