import type { ClassPlaces } from '../archive/places.ts'
import { ACC_ABSTRACT, ACC_FINAL, ACC_INTERFACE, ACC_NATIVE, ACC_PRIVATE, ACC_STATIC } from '../class-file/access.ts'
import { type Code, parseCode } from '../class-file/code.ts'
import {
  type FieldKind,
  type Kind,
  type MethodDescriptor,
  kindOf,
  parseMethodDescriptor,
} from '../class-file/descriptor.ts'
import { readU2 } from '../class-file/bytes.ts'
import { type ClassFile, findAttribute, type MemberInfo } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { type Layout, OBJECT_LAYOUT, type Signature } from '../translate/types.ts'

/** A reference to an object of the guest: opaque to the host. */
export type Ref = object | null
/** What a Java value is on the host side: int, float, double; long; reference. */
export type Value = number | bigint | Ref

/** A class loader: the bootstrap loader has no Java object. */
export interface Loader {
  readonly id: number
  readonly object: Ref
  /** Classes it has defined or been recorded as an initiating loader of (JVMS §5.3). */
  readonly classes: Map<string, JavaClass>
}

/** How far a class has come (JVMS §5.3–5.5). */
export type ClassState = 'loaded' | 'linked' | 'initializing' | 'initialized' | 'erroneous'

/** A field of a class. */
export class Field {
  readonly owner: JavaClass
  readonly info: MemberInfo
  readonly kind: Kind
  /** What the structure’s field is: that kind, but for those that the machine adds for itself. */
  readonly keptAs: FieldKind
  /** Instance: the structure’s field. Static: address in memory, or place in the table of references. */
  place = -1
  /** What Unsafe calls the field; 0 until asked for. */
  offset = 0

  constructor(owner: JavaClass, info: MemberInfo) {
    this.owner = owner
    this.info = info
    this.kind = kindOf(info.descriptor)
    this.keptAs = info.descriptor === 'X' ? 'X' : this.kind
  }
  get name(): string {
    return this.info.name
  }
  get descriptor(): string {
    return this.info.descriptor
  }
  get isStatic(): boolean {
    return (this.info.access & ACC_STATIC) !== 0
  }
}

/** A method of a class. `id` is its place in the code table, which every call goes through. */
export class Method {
  readonly owner: JavaClass
  readonly info: MemberInfo
  readonly id: number
  readonly descriptor: MethodDescriptor
  readonly signature: Signature
  /** Index in the record’s methods; -1 when it is not dispatched through them. */
  virtualIndex = -1
  /** True once the code table has the translated method. */
  compiled = false
  #code: Code | undefined | null = null

  constructor(owner: JavaClass, info: MemberInfo, id: number) {
    this.owner = owner
    this.info = info
    this.id = id
    this.descriptor = parseMethodDescriptor(info.descriptor) as MethodDescriptor
    this.signature = signatureOf(this.descriptor, this.isStatic)
  }
  get name(): string {
    return this.info.name
  }
  get access(): number {
    return this.info.access
  }
  get isStatic(): boolean {
    return (this.info.access & ACC_STATIC) !== 0
  }
  get isAbstract(): boolean {
    return (this.info.access & ACC_ABSTRACT) !== 0
  }
  get isNative(): boolean {
    return (this.info.access & ACC_NATIVE) !== 0
  }
  get isPrivate(): boolean {
    return (this.info.access & ACC_PRIVATE) !== 0
  }
  /** True when no other method can be selected in its place. */
  get isFixed(): boolean {
    const final = (this.info.access | this.owner.access) & ACC_FINAL
    return this.isStatic || this.isPrivate || final !== 0 || this.name === '<init>'
  }
  get code(): Code | undefined {
    if (this.#code === null) this.#code = parseCode(this.owner.file as ClassFile, this.info)
    return this.#code
  }
  /** As stack traces of the machine’s own errors name it: `pkg.Class.name(descriptor)`. */
  toString(): string {
    return `${this.owner.name}.${this.name}${this.info.descriptor}`
  }
}

/** The erased signature of a method. */
export function signatureOf(descriptor: MethodDescriptor, isStatic: boolean): Signature {
  return `${isStatic ? '' : 'L'}${descriptor.kinds.join('')})${descriptor.resultKind}`
}

/** A class, interface, array class or primitive type, as the machine keeps it. */
export class JavaClass {
  readonly id: number
  /** Internal name; `[…` for arrays, the keyword for primitive types. */
  readonly name: string
  readonly loader: Loader
  readonly file: ClassFile | undefined
  access = 0
  superclass: JavaClass | undefined
  interfaces: readonly JavaClass[] = []
  /** Classes and interfaces that name this one as theirs above. */
  readonly below: JavaClass[] = []
  /** Distance from java/lang/Object. */
  depth = 0
  state: ClassState = 'loaded'
  /** The numbers that compiled code names it by, and whether code that is kept from run to run may do so. */
  readonly places: ClassPlaces
  readonly kept: boolean
  /** Static fields that are not references. */
  get staticWords(): number {
    return this.fields.filter(f => f.isStatic && f.kind !== 'L').length
  }
  /** True once its code has been found to be sound. */
  verified = false
  layout: Layout = OBJECT_LAYOUT
  fields: readonly Field[] = []
  methods: readonly Method[] = []
  /** Methods selected by index, inherited ones included. */
  readonly virtuals: Method[] = []
  /** For arrays, the class of the elements. */
  element: JavaClass | undefined
  /** For primitive types, the descriptor’s letter. */
  primitive: string | undefined
  /** The java.lang.Class object. */
  mirror: Ref = null
  /** Thread that initializes it, and what waits for the end. */
  initThread = 0
  initDone: (() => void)[] = []
  failure: Ref = null
  /** The array class of this one, once there is one. */
  arrayClass: JavaClass | undefined
  /** Resolved constants by index; what is there depends on the tag. */
  readonly resolved: unknown[] = []
  /** For hidden classes: what made them, and their class data. */
  hidden = false
  nestHost: JavaClass | undefined
  protectionDomain: Ref = null
  readonly #methodIndex = new Map<string, Method>()
  readonly #superIds = new Set<number>()

  constructor(at: { places: ClassPlaces; kept: boolean }, name: string, loader: Loader, file?: ClassFile) {
    this.id = at.places.id
    this.places = at.places
    this.kept = at.kept
    this.name = name
    this.loader = loader
    this.file = file
  }

  get isInterface(): boolean {
    return (this.access & ACC_INTERFACE) !== 0
  }
  get isArray(): boolean {
    return this.element !== undefined
  }
  get ready(): boolean {
    return this.state === 'initialized'
  }
  get packageName(): string {
    const at = this.name.lastIndexOf('/')
    return at < 0 ? '' : this.name.slice(0, at)
  }

  indexMethods(): void {
    for (const method of this.methods) this.#methodIndex.set(method.name + method.info.descriptor, method)
  }
  /** The method that this class itself declares. */
  declared(name: string, descriptor: string): Method | undefined {
    return this.#methodIndex.get(name + descriptor)
  }
  declaredField(name: string, descriptor?: string): Field | undefined {
    return this.fields.find(f => f.name === name && (descriptor === undefined || f.descriptor === descriptor))
  }

  /** Remembers all superclasses and interfaces, for subtype questions. */
  indexSupertypes(): void {
    this.#superIds.add(this.id)
    for (const above of [this.superclass, ...this.interfaces]) {
      if (above) for (const id of above.#superIds) this.#superIds.add(id)
    }
  }
  /** Subtyping of loaded types (JVMS §4.10.1.2, JLS §4.10.3 for arrays). */
  isSubtypeOf(other: JavaClass): boolean {
    if (this === other || this.#superIds.has(other.id)) return true
    if (this.element && other.element) {
      return !this.element.primitive && !other.element.primitive && this.element.isSubtypeOf(other.element)
    }
    return false
  }

  /** Field lookup (JVMS §5.4.3.2). */
  findField(name: string, descriptor?: string): Field | undefined {
    const own = this.declaredField(name, descriptor)
    if (own) return own
    for (const i of this.interfaces) {
      const found = i.findField(name, descriptor)
      if (found) return found
    }
    return this.superclass?.findField(name, descriptor)
  }
  /** Method lookup in this class and its superclasses. */
  findInClasses(name: string, descriptor: string): Method | undefined {
    for (const c of lineage(this)) {
      const found = c.declared(name, descriptor)
      if (found) return found
    }
    return undefined
  }
  /** Every superinterface, nearest first. */
  *allInterfaces(): Iterable<JavaClass> {
    const seen = new Set<JavaClass>()
    const open: JavaClass[] = []
    for (const c of lineage(this)) open.push(...c.interfaces)
    for (let i = 0; i < open.length; i++) {
      const next = open[i] as JavaClass
      if (seen.has(next)) continue
      seen.add(next)
      yield next
      open.push(...next.interfaces)
    }
  }
  /** Maximally specific superinterface methods (JVMS §5.4.3.3): those that no other one overrides. */
  interfaceMethods(name: string, descriptor: string): Method[] {
    const found: Method[] = []
    for (const i of this.allInterfaces()) {
      const method = i.declared(name, descriptor)
      if (method && !method.isPrivate && !method.isStatic) found.push(method)
    }
    return found.filter(m => !found.some(o => o !== m && o.owner.isSubtypeOf(m.owner)))
  }
  /** Method resolution without access checks (JVMS §5.4.3.3, §5.4.3.4). */
  findMethod(name: string, descriptor: string): Method | undefined {
    const inClasses = this.isInterface ? this.declared(name, descriptor) : this.findInClasses(name, descriptor)
    if (inClasses) return inClasses
    if (this.isInterface) {
      const object = this.superclass?.declared(name, descriptor)
      if (object && !object.isStatic && !object.isPrivate && object.access & 1) return object
    }
    const candidates = this.interfaceMethods(name, descriptor)
    const concrete = candidates.filter(m => !m.isAbstract)
    return concrete.length === 1 ? concrete[0] : candidates[0]
  }
  /** Method selection for a receiver of this class (JVMS §5.4.6). Throws JavaProblem when nothing can be selected. */
  select(method: Method): Method {
    if (method.isPrivate) return method
    const { name } = method
    const descriptor = method.info.descriptor
    if (!this.isInterface) {
      for (const c of lineage(this)) {
        const own = c.declared(name, descriptor)
        if (
          own &&
          !own.isStatic &&
          !own.isPrivate &&
          (own === method || method.owner.isInterface || overrides(own, method))
        ) {
          return own
        }
      }
    }
    const candidates = this.interfaceMethods(name, descriptor)
    const concrete = candidates.filter(m => !m.isAbstract)
    if (concrete.length === 1) return concrete[0] as Method
    if (concrete.length > 1) {
      throw new JavaProblem(
        'java/lang/IncompatibleClassChangeError',
        `Conflicting default methods: ${concrete.map(m => `${m.owner.name}.${m.name}`).join(' ')}`,
      )
    }
    return (candidates[0] ?? method) as Method
  }
}

/** A class and its superclasses, nearest first. */
export function* lineage(cls: JavaClass): Iterable<JavaClass> {
  for (let c: JavaClass | undefined = cls; c; c = c.superclass) yield c
}

/** Whether `own` can override `method` (JVMS §5.4.5): package-private methods only within their package. */
export function overrides(own: Method, method: Method): boolean {
  if (own.isPrivate || method.isPrivate || method.isStatic) return false
  if ((method.access & 5) !== 0) return true
  if (own.owner.loader === method.owner.loader && own.owner.packageName === method.owner.packageName) return true
  // By way of a method between them that is accessible to both.
  for (let c = own.owner.superclass; c && c !== method.owner; c = c.superclass) {
    const between = c.declared(own.name, own.info.descriptor)
    if (between && overrides(own, between) && overrides(between, method)) return true
  }
  return false
}

/** True for methods that ask who calls them (jdk.internal.reflect.CallerSensitive). */
export function isCallerSensitive(method: Method): boolean {
  const { file, loader } = method.owner
  const attribute = file && findAttribute(method.info.attributes, 'RuntimeVisibleAnnotations')
  if (!file || !attribute || loader.object !== null) return false
  const { bytes } = file
  for (let i = 0, at = attribute.start + 2; i < readU2(bytes, attribute.start); i++) {
    if (file.pool.utf8(readU2(bytes, at)) === 'Ljdk/internal/reflect/CallerSensitive;') return true
    if (readU2(bytes, at + 2) !== 0) return false
    at += 4
  }
  return false
}
