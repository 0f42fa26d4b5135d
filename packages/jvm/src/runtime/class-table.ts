import { assert } from '@doppel/base'
import { ACC_ABSTRACT, ACC_FINAL, ACC_INTERFACE, ACC_PUBLIC, ACC_STATIC } from '../class-file/access.ts'
import { checkAttributes } from '../class-file/attributes.ts'
import { kindOf } from '../class-file/descriptor.ts'
import { type ClassFile, parseClassFile } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { extendLayout, OBJECT_LAYOUT } from '../translate/types.ts'
import { Field, JavaClass, type Loader, Method, overrides, type Ref } from './classes.ts'
import { injectedFields } from './injected.ts'
import { invoke, type Work } from './tasks.ts'
import type { Vm } from './vm.ts'

/** Letters of the primitive types; their classes are numbered so, and `V` after them. */
export const PRIMITIVES = 'ZBCSIJFDV'
const PRIMITIVE_NAMES = ['boolean', 'byte', 'char', 'short', 'int', 'long', 'float', 'double', 'void'] as const

/** How a class is defined. */
export interface Definition {
  /** The name it must have. */
  readonly expectedName?: string | undefined
  readonly protectionDomain?: Ref
  readonly hidden?: boolean
  readonly nestHost?: JavaClass | undefined
  readonly trusted?: boolean
}

/** Runs work that can neither call Java nor wait. */
export function drain<R>(work: Work<R>): R {
  const next = work.next()
  assert(next.done === true, 'work of the bootstrap loader asked for something')
  return next.value as R
}

/** Every class of one machine: creation, loading (JVMS §5.3), preparation of fields and methods (§5.4.2). */
export class ClassTable {
  readonly #vm: Vm
  /** By number; numbers may have gaps. */
  readonly #classes: (JavaClass | undefined)[] = []
  readonly #methods: (Method | undefined)[] = []
  readonly #all: JavaClass[] = []
  readonly #primitives = new Map<string, JavaClass>()
  readonly #loaders: Loader[] = []
  readonly bootLoader: Loader = { id: 0, object: null, classes: new Map() }
  /** Called with each class once it is defined. */
  onDefine: (cls: JavaClass) => void = () => undefined

  constructor(vm: Vm) {
    this.#vm = vm
    this.#loaders.push(this.bootLoader)
    for (const [i, letter] of PRIMITIVES.split('').entries()) {
      const name = PRIMITIVE_NAMES[i] as string
      const cls = this.#create(name, this.bootLoader, `primitive ${name}`)
      this.#primitives.set(letter, cls)
      cls.primitive = letter
      cls.access = ACC_PUBLIC | ACC_FINAL | ACC_ABSTRACT
      cls.state = 'initialized'
      cls.indexSupertypes()
    }
  }

  get count(): number {
    return this.#all.length
  }
  byId(id: number): JavaClass {
    return this.#classes[id] as JavaClass
  }
  methodById(id: number): Method | undefined {
    return this.#methods[id]
  }
  primitive(letter: string): JavaClass {
    return this.#primitives.get(letter) as JavaClass
  }
  loader(id: number): Loader {
    return this.#loaders[id] as Loader
  }
  /** The loader that a java.lang.ClassLoader object stands for. */
  loaderOf(object: Ref): Loader {
    if (object === null) return this.bootLoader
    const id = this.#vm.heap.get(object, '$loader') as number
    if (id !== 0) return this.#loaders[id] as Loader
    const loader: Loader = { id: this.#loaders.length, object, classes: new Map() }
    this.#loaders.push(loader)
    this.#vm.heap.set(object, '$loader', loader.id)
    return loader
  }
  all(): readonly JavaClass[] {
    return this.#all
  }

  /** A class of the platform’s library. Throws NoClassDefFoundError when there is none. */
  boot(name: string): JavaClass {
    return this.bootLoader.classes.get(name) ?? drain(this.load(name, this.bootLoader))
  }
  /** As `boot`, or undefined. */
  findBoot(name: string): JavaClass | undefined {
    const known = this.bootLoader.classes.get(name)
    if (known) return known
    if (name[0] === '[') {
      const inner = name[1] === 'L' ? name.slice(2, -1) : name[1] === '[' ? name.slice(1) : undefined
      return inner !== undefined && !this.findBoot(inner) ? undefined : this.boot(name)
    }
    return this.#vm.library.findClass(name) ? this.boot(name) : undefined
  }
  /** The class if `loader` is known to lead to it without running Java. */
  peek(name: string, loader: Loader): JavaClass | undefined {
    const known = loader.classes.get(name)
    if (known) return known
    if (name[0] === '[') {
      const element = this.peekDescriptor(name.slice(1), loader)
      return element && this.arrayOf(element)
    }
    return loader === this.bootLoader || name.startsWith('java/') ? this.findBoot(name) : undefined
  }
  peekDescriptor(descriptor: string, loader: Loader): JavaClass | undefined {
    if (descriptor.length === 1) return this.primitive(descriptor)
    return this.peek(descriptor[0] === 'L' ? descriptor.slice(1, -1) : descriptor, loader)
  }

  /** Loads a class by way of a loader. Throws NoClassDefFoundError, or what the loader throws. */
  *load(name: string, loader: Loader): Work<JavaClass> {
    const known = loader.classes.get(name)
    if (known) return known
    if (name[0] === '[') {
      const element: JavaClass = yield* this.loadDescriptor(name.slice(1), loader)
      return this.arrayOf(element)
    }
    if (loader === this.bootLoader) {
      const bytes = this.#vm.library.findClass(name)
      if (!bytes) throw new JavaProblem('java/lang/NoClassDefFoundError', name)
      return yield* this.define(bytes, loader, { expectedName: name, trusted: true })
    }
    const { heap } = this.#vm
    const method = heap
      .classOf(loader.object)
      .select(
        this.boot('java/lang/ClassLoader').declared('loadClass', '(Ljava/lang/String;)Ljava/lang/Class;') as Method,
      )
    const mirror = (yield* invoke(method, loader.object, heap.string(name.replaceAll('/', '.')))) as Ref
    if (mirror === null) throw new JavaProblem('java/lang/ClassNotFoundException', name.replaceAll('/', '.'))
    const cls = this.ofMirror(mirror)
    if (cls.name !== name) throw new JavaProblem('java/lang/NoClassDefFoundError', `${name} (wrong name: ${cls.name})`)
    loader.classes.set(name, cls)
    return cls
  }
  *loadDescriptor(descriptor: string, loader: Loader): Work<JavaClass> {
    if (descriptor.length === 1) return this.primitive(descriptor)
    return yield* this.load(descriptor[0] === 'L' ? descriptor.slice(1, -1) : descriptor, loader)
  }
  /** The class that a java.lang.Class object stands for. */
  ofMirror(mirror: Ref): JavaClass {
    return this.byId(this.#vm.heap.get(mirror, '$class') as number)
  }

  /** Makes a class from its bytes (JVMS §5.3.5). */
  *define(bytes: Uint8Array, loader: Loader, how: Definition): Work<JavaClass> {
    const file = parseClassFile(bytes, { trusted: how.trusted ?? false, maxMajor: this.#vm.maxMajor })
    if (how.expectedName !== undefined && how.expectedName !== file.name) {
      throw new JavaProblem('java/lang/NoClassDefFoundError', `${how.expectedName} (wrong name: ${file.name})`)
    }
    if (!how.trusted) checkAttributes(file)
    if (!how.hidden && loader.classes.has(file.name)) {
      throw new JavaProblem(
        'java/lang/LinkageError',
        `loader ${loaderName(this.#vm, loader)} attempted duplicate class definition for ${file.name.replaceAll('/', '.')}.`,
      )
    }
    let superclass: JavaClass | undefined
    if (file.superName !== null) superclass = yield* this.loadAbove(file, file.superName, loader, false)
    const interfaces: JavaClass[] = []
    for (const name of file.interfaces) interfaces.push(yield* this.loadAbove(file, name, loader, true))
    const hiddenId = this.#all.length
    const name = how.hidden
      ? `${file.name}+0x${(0x800000000 + hiddenId * 0x400).toString(16).padStart(16, '0')}`
      : file.name
    const above = superclass ? [superclass, ...interfaces] : interfaces
    const cls = this.#create(name, loader, this.#identity(bytes, file.name, loader, how, above), file)
    cls.access = file.access
    cls.superclass = superclass
    cls.interfaces = interfaces
    for (const one of above) one.below.push(cls)
    cls.depth = superclass ? superclass.depth + 1 : 0
    cls.hidden = how.hidden ?? false
    cls.nestHost = how.nestHost
    cls.protectionDomain = how.protectionDomain ?? null
    this.#prepare(cls, file)
    this.#vm.linker.defined(cls)
    if (!cls.hidden) loader.classes.set(name, cls)
    if (this.#vm.booted) this.#vm.mirrors.of(cls)
    this.onDefine(cls)
    return cls
  }

  /** Loads a direct superclass or superinterface and checks that it may be one (JVMS §5.3.5). */
  *loadAbove(file: ClassFile, name: string, loader: Loader, asInterface: boolean): Work<JavaClass> {
    if (name === file.name) throw new JavaProblem('java/lang/ClassCircularityError', name)
    const above = yield* this.#vm.linker.loadFor(name, loader)
    if (above.isInterface !== asInterface) {
      throw new JavaProblem(
        'java/lang/IncompatibleClassChangeError',
        asInterface
          ? `class ${dotted(file.name)} can not implement ${dotted(name)}, because it is not an interface (${dotted(name)} is in ${this.#where(above)})`
          : `class ${dotted(file.name)} has interface ${dotted(name)} as super class`,
      )
    }
    if (!asInterface && above.access & ACC_FINAL) {
      const what = above.isArray ? 'IncompatibleClassChangeError' : 'IncompatibleClassChangeError'
      throw new JavaProblem(
        `java/lang/${what}`,
        `class ${dotted(file.name)} cannot inherit from final class ${dotted(name)}`,
      )
    }
    return above
  }
  #where(cls: JavaClass): string {
    return cls.loader.object === null ? 'module java.base of loader bootstrap' : "unnamed module of loader 'app'"
  }

  #create(name: string, loader: Loader, identity: string | undefined, file?: ClassFile): JavaClass {
    const statics = file?.fields.filter(f => f.access & ACC_STATIC) ?? []
    const references = statics.filter(f => kindOf(f.descriptor) === 'L').length
    const sizes = { methods: file?.methods.length ?? 0, references, statics: statics.length - references }
    const at = this.#vm.archive.placesFor(name, identity, sizes)
    this.#vm.growTables(at.places, sizes)
    const cls = new JavaClass(at, name, loader, file)
    this.#classes[cls.id] = cls
    this.#all.push(cls)
    return cls
  }
  /** What a class is known by from run to run: the bootstrap loader’s come from one library only. */
  #identity(
    bytes: Uint8Array,
    name: string,
    loader: Loader,
    how: Definition,
    above: readonly JavaClass[],
  ): string | undefined {
    const { archive, heap, debug } = this.#vm
    if (how.hidden || !archive.inUse) return undefined
    if (loader.object === null) return `boot ${name}`
    // What tells the debugger what it does is of no use to other runs, nor theirs to this one.
    if (debug) return undefined
    return archive.identityOf(bytes, heap.classOf(loader.object).name, above)
  }

  /** Gives fields and methods their places. */
  #prepare(cls: JavaClass, file: ClassFile): void {
    const { methods: first, references, statics } = cls.places
    cls.methods = file.methods.map((info, i) => {
      const method = new Method(cls, info, first + i)
      this.#methods[method.id] = method
      return method
    })
    cls.indexMethods()
    cls.indexSupertypes()
    cls.fields = [...file.fields, ...injectedFields(cls)].map(info => new Field(cls, info))
    const own = cls.fields.filter(f => !f.isStatic)
    const parent = cls.superclass?.layout ?? OBJECT_LAYOUT
    cls.layout = cls.isInterface ? OBJECT_LAYOUT : extendLayout(parent, own.map(f => f.keptAs).join(''))
    own.forEach((field, i) => (field.place = cls.layout.first + i))
    let [reference, address] = [references + 1, statics]
    for (const field of cls.fields) {
      if (!field.isStatic) continue
      field.place = field.kind === 'L' ? reference++ : address
      if (field.kind !== 'L') address += 8
    }
    if (!cls.isInterface) this.#prepareVirtuals(cls)
  }
  #prepareVirtuals(cls: JavaClass): void {
    if (cls.superclass) cls.virtuals.push(...cls.superclass.virtuals)
    for (const method of cls.methods) {
      if (method.isStatic || method.isPrivate || method.name === '<init>') continue
      for (let c = cls.superclass; c; c = c.superclass) {
        const above = c.declared(method.name, method.info.descriptor)
        if (!above || above.virtualIndex < 0 || !overrides(method, above)) continue
        cls.virtuals[above.virtualIndex] = method
        if (method.virtualIndex < 0) method.virtualIndex = above.virtualIndex
      }
      if (method.virtualIndex >= 0) continue
      method.virtualIndex = cls.virtuals.length
      cls.virtuals.push(method)
    }
  }

  /** The array class of a component. */
  arrayOf(element: JavaClass): JavaClass {
    if (element.arrayClass) return element.arrayClass
    const name = element.isArray ? `[${element.name}` : `[${element.primitive ?? `L${element.name};`}`
    const object = this.boot('java/lang/Object')
    const cls = this.#create(name, element.loader, element.kept ? `[${element.id}` : undefined)
    let innermost = element
    while (innermost.element) innermost = innermost.element
    cls.access = (innermost.access & ACC_PUBLIC) | ACC_FINAL | ACC_ABSTRACT
    cls.access &= ~ACC_INTERFACE
    cls.superclass = object
    cls.interfaces = [this.boot('java/lang/Cloneable'), this.boot('java/io/Serializable')]
    cls.depth = 1
    cls.element = element
    cls.virtuals.push(...object.virtuals)
    // Arrays of subclasses are subtypes of arrays of superclasses; that is asked for through `element`.
    cls.indexSupertypes()
    element.arrayClass = cls
    element.loader.classes.set(name, cls)
    this.#vm.linker.link(cls)
    cls.state = 'initialized'
    if (this.#vm.booted) this.#vm.mirrors.of(cls)
    return cls
  }
}

/** An internal name as Java’s own messages have it. */
export function dotted(name: string): string {
  return name.replaceAll('/', '.')
}

/** A loader’s name in messages. */
export function loaderName(vm: Vm, loader: Loader): string {
  if (loader.object === null) return 'bootstrap'
  const name = vm.heap.get(loader.object, 'name') as Ref
  const given = name === null ? '' : `'${vm.heap.text(name)}'`
  return given || dotted(vm.heap.classOf(loader.object).name)
}
