import { ACC_INTERFACE, ACC_STATIC, ACC_SUPER } from '../class-file/access.ts'
import { ClassReader } from '../class-file/bytes.ts'
import { type Attribute, type ClassFile, findAttribute } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import type { JavaClass, Ref } from '../runtime/classes.ts'
import { dotted } from '../runtime/class-table.ts'
import { nestHostOf, nestMembers } from '../runtime/nests.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

const of = (vm: Vm, mirror: Ref): JavaClass => vm.classes.ofMirror(mirror)

/** A class’s attribute and a reader at its start. */
function attributeOf(
  cls: JavaClass,
  name: string,
): { file: ClassFile; reader: ClassReader; attribute: Attribute } | undefined {
  const attribute = cls.file && findAttribute(cls.file.attributes, name)
  if (!cls.file || !attribute) return undefined
  const reader = new ClassReader(cls.file.bytes, attribute.start, attribute.start + attribute.length)
  return { file: cls.file, reader, attribute }
}
function rawAttribute(vm: Vm, cls: JavaClass, name: string): Ref {
  const found = attributeOf(cls, name)
  if (!found) return null
  const { start, length } = found.attribute
  return vm.heap.byteArray(found.file.bytes.subarray(start, start + length))
}

/** A row of InnerClasses (JVMS §4.7.6). */
interface InnerClass {
  readonly inner: string
  readonly outer: string | null
  readonly name: string | null
  readonly access: number
}
function innerClasses(cls: JavaClass): InnerClass[] {
  const found = attributeOf(cls, 'InnerClasses')
  if (!found) return []
  const { reader, file } = found
  const { pool } = file
  return Array.from({ length: reader.u2() }, () => {
    const [inner, outer, name, access] = [reader.u2(), reader.u2(), reader.u2(), reader.u2()]
    return {
      inner: pool.className(inner),
      outer: outer === 0 ? null : pool.className(outer),
      name: name === 0 ? null : pool.utf8(name),
      access,
    }
  })
}
const ownEntry = (cls: JavaClass): InnerClass | undefined =>
  innerClasses(cls).find(row => row.inner === (cls.file as ClassFile).name)

function* classArray(vm: Vm, from: JavaClass, names: readonly string[]): Work<Ref> {
  const mirrors: Ref[] = []
  for (const name of names) mirrors.push(vm.mirrors.of(yield* vm.linker.loadFor(name, from.loader)))
  return vm.heap.refArray('[Ljava/lang/Class;', mirrors)
}

/** Class.forName’s name in internal form; throws ClassNotFoundException for what can be none. */
export function* classForName(vm: Vm, name: string, loader: Ref): Work<JavaClass> {
  const notFound = (): JavaProblem => new JavaProblem('java/lang/ClassNotFoundException', name)
  if (name.includes('/') || name === '' || name.endsWith('.')) throw notFound()
  if (name[0] === '[' && !/^\[+([BCDFIJSZ]|L[^;]+;)$/.test(name)) throw notFound()
  try {
    return yield* vm.classes.load(name.replaceAll('.', '/'), vm.classes.loaderOf(loader))
  } catch (error) {
    if (
      error instanceof JavaProblem &&
      error.className === 'java/lang/NoClassDefFoundError' &&
      error.detail === name.replaceAll('.', '/')
    ) {
      throw notFound()
    }
    throw error
  }
}

natives('java/lang/Class', {
  *forName0(vm: Vm, name: Ref, initialize: number, loader: Ref) {
    const cls = yield* classForName(vm, vm.heap.text(name), loader)
    if (initialize) yield* vm.linker.initialize(cls)
    return vm.mirrors.of(cls)
  },
  isInstance: (vm: Vm, self: Ref, object: Ref) => vm.rt.instanceOf(object, of(vm, self).id),
  isAssignableFrom: (vm: Vm, self: Ref, other: Ref) => {
    if (other === null) throw new JavaProblem('java/lang/NullPointerException')
    return of(vm, other).isSubtypeOf(of(vm, self)) ? 1 : 0
  },
  isInterface: (vm: Vm, self: Ref) => (of(vm, self).isInterface ? 1 : 0),
  isArray: (vm: Vm, self: Ref) => (of(vm, self).isArray ? 1 : 0),
  isPrimitive: (vm: Vm, self: Ref) => (of(vm, self).primitive ? 1 : 0),
  isHidden: (vm: Vm, self: Ref) => (of(vm, self).hidden ? 1 : 0),
  isRecord0: (vm: Vm, self: Ref) => {
    const cls = of(vm, self)
    return cls.superclass?.name === 'java/lang/Record' && attributeOf(cls, 'Record') ? 1 : 0
  },
  initClassName: (vm: Vm, self: Ref) => {
    const cls = of(vm, self)
    const name = vm.heap.intern(cls.hidden ? dotted(cls.name).replace(/\+(?=[^+]*$)/, '/') : dotted(cls.name))
    vm.heap.set(self, 'name', name)
    return name
  },
  getSuperclass: (vm: Vm, self: Ref) => {
    const cls = of(vm, self)
    return cls.superclass && !cls.isInterface ? vm.mirrors.of(cls.superclass) : null
  },
  getInterfaces0: (vm: Vm, self: Ref) =>
    vm.heap.refArray(
      '[Ljava/lang/Class;',
      of(vm, self).interfaces.map(i => vm.mirrors.of(i)),
    ),
  getModifiers: (vm: Vm, self: Ref) => {
    const cls = of(vm, self)
    let innermost = cls
    while (innermost.element) innermost = innermost.element
    const own = innermost.file && ownEntry(innermost)
    const access = own ? own.access : innermost.access
    if (cls.isArray) return (access & ~(ACC_INTERFACE | ACC_STATIC | ACC_SUPER) & 7) | 0x410
    return access & ~ACC_SUPER & 0x7fff
  },
  getSigners: () => null,
  setSigners: () => undefined,
  *getEnclosingMethod0(vm: Vm, self: Ref) {
    const cls = of(vm, self)
    const found = attributeOf(cls, 'EnclosingMethod')
    if (!found) return null
    const [owner, method] = [found.reader.u2(), found.reader.u2()]
    const outer = yield* vm.resolver.resolveClass(cls, owner)
    const [name, descriptor] = method === 0 ? [null, null] : found.file.pool.nameAndType(method)
    const items = [vm.mirrors.of(outer), vm.heap.stringOrNull(name), vm.heap.stringOrNull(descriptor)]
    return vm.heap.refArray('[Ljava/lang/Object;', items)
  },
  *getDeclaringClass0(vm: Vm, self: Ref) {
    const cls = of(vm, self)
    const outer = cls.file && ownEntry(cls)?.outer
    return outer ? vm.mirrors.of(yield* vm.linker.loadFor(outer, cls.loader)) : null
  },
  getSimpleBinaryName0: (vm: Vm, self: Ref) => {
    const cls = of(vm, self)
    return vm.heap.stringOrNull(cls.file && ownEntry(cls)?.name)
  },
  getProtectionDomain0: (vm: Vm, self: Ref) => of(vm, self).protectionDomain,
  getPrimitiveClass: (vm: Vm, name: Ref) => {
    const text = vm.heap.text(name)
    const cls = vm.classes.all().find(c => c.primitive && c.name === text)
    return cls ? vm.mirrors.of(cls) : null
  },
  getGenericSignature0: (vm: Vm, self: Ref) => {
    const found = attributeOf(of(vm, self), 'Signature')
    return found ? vm.heap.string(found.file.pool.utf8(found.reader.u2())) : null
  },
  getRawAnnotations: (vm: Vm, self: Ref) => rawAttribute(vm, of(vm, self), 'RuntimeVisibleAnnotations'),
  getRawTypeAnnotations: (vm: Vm, self: Ref) => rawAttribute(vm, of(vm, self), 'RuntimeVisibleTypeAnnotations'),
  *getConstantPool(vm: Vm, self: Ref) {
    const type = vm.classes.boot('jdk/internal/reflect/ConstantPool')
    yield* vm.linker.initialize(type)
    const pool = vm.heap.allocate(type)
    vm.heap.set(pool, 'constantPoolOop', self)
    return pool
  },
  *getDeclaredClasses0(vm: Vm, self: Ref) {
    const cls = of(vm, self)
    const own = cls.file ? innerClasses(cls).filter(row => row.outer === cls.file?.name) : []
    return yield* classArray(
      vm,
      cls,
      own.map(row => row.inner),
    )
  },
  desiredAssertionStatus0: (vm: Vm, self: Ref) =>
    vm.options.enableAssertions && of(vm, self).loader.object !== null ? 1 : 0,
  getNestHost0: (vm: Vm, self: Ref) => vm.mirrors.of(nestHostOf(vm, of(vm, self))),
  *getNestMembers0(vm: Vm, self: Ref) {
    const host = nestHostOf(vm, of(vm, self))
    const members = yield* classArray(vm, host, nestMembers(host))
    return vm.heap.refArray('[Ljava/lang/Class;', [vm.mirrors.of(host), ...vm.heap.items(members)])
  },
  *getPermittedSubclasses0(vm: Vm, self: Ref) {
    const cls = of(vm, self)
    const found = attributeOf(cls, 'PermittedSubclasses')
    if (!found) return null
    const names = Array.from({ length: found.reader.u2() }, () => found.file.pool.className(found.reader.u2()))
    return yield* classArray(vm, cls, names)
  },
})

/** The constant pool as annotations are parsed with it. */
const poolOf = (vm: Vm, mirror: Ref): ClassFile['pool'] => (of(vm, mirror).file as ClassFile).pool
natives('jdk/internal/reflect/ConstantPool', {
  getSize0: (vm: Vm, _self: Ref, mirror: Ref) => poolOf(vm, mirror).count,
  getUTF8At0: (vm: Vm, _self: Ref, mirror: Ref, index: number) => vm.heap.string(poolOf(vm, mirror).utf8(index)),
  getIntAt0: (vm: Vm, _self: Ref, mirror: Ref, index: number) => poolOf(vm, mirror).int(index),
  getFloatAt0: (vm: Vm, _self: Ref, mirror: Ref, index: number) =>
    new Float32Array(Int32Array.of(poolOf(vm, mirror).floatBits(index)).buffer)[0] as number,
  getLongAt0: (vm: Vm, _self: Ref, mirror: Ref, index: number) => {
    const [high, low] = poolOf(vm, mirror).words(index)
    return (BigInt(high) << 32n) | BigInt(low >>> 0)
  },
  getDoubleAt0: (vm: Vm, _self: Ref, mirror: Ref, index: number) => {
    const [high, low] = poolOf(vm, mirror).words(index)
    return new Float64Array(Int32Array.of(low, high).buffer)[0] as number
  },
})
