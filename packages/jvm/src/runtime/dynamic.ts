import { readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import { kindOf, parseMethodDescriptor } from '../class-file/descriptor.ts'
import { type ClassFile, findAttribute } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import type { Site } from '../translate/sites.ts'
import { box, unbox } from './boxes.ts'
import type { JavaClass, Method, Ref, Value } from './classes.ts'
import { appendixThunk } from './handle-calls.ts'
import { invoke, Thrown, type Work } from './tasks.ts'
import type { ResolvedConstant, Vm } from './vm.ts'

const NATIVES = 'java/lang/invoke/MethodHandleNatives'
/** A static method of a class of the library; the name alone where it is not overloaded. */
function libraryMethod(vm: Vm, className: string, name: string): Method {
  const found = vm.classes.boot(className).methods.find(m => m.name === name)
  if (!found) throw new JavaProblem('java/lang/NoSuchMethodError', `${className}.${name}`)
  return found
}
function* upcall(vm: Vm, name: string, ...args: Value[]): Work<Ref> {
  const cls = vm.classes.boot(NATIVES)
  yield* vm.linker.initialize(cls)
  return (yield* invoke(libraryMethod(vm, NATIVES, name), ...args)) as Ref
}

/** The java.lang.invoke.MethodType of a descriptor. */
export function* methodTypeOf(vm: Vm, descriptor: string, from: JavaClass): Work<Ref> {
  const parsed = parseMethodDescriptor(descriptor)
  if (!parsed) throw new JavaProblem('java/lang/IncompatibleClassChangeError', `bad descriptor ${descriptor}`)
  const params: Ref[] = []
  for (const p of parsed.params) params.push(vm.mirrors.of(yield* load(vm, p, from)))
  const result = vm.mirrors.of(yield* load(vm, parsed.result, from))
  return yield* upcall(vm, 'findMethodHandleType', result, vm.heap.refArray('[Ljava/lang/Class;', params))
}
function* load(vm: Vm, descriptor: string, from: JavaClass): Work<JavaClass> {
  if (descriptor.length === 1) return vm.classes.primitive(descriptor)
  if (descriptor === `L${from.file?.name};`) return from
  return yield* vm.linker.loadFor(descriptor[0] === 'L' ? descriptor.slice(1, -1) : descriptor, from.loader)
}

/** The value of a loadable constant as an object; primitives are boxed (JVMS §5.4.3.5, §5.4.3.6). */
export function* constantObject(vm: Vm, cls: JavaClass, index: number): Work<Ref> {
  const { pool } = cls.file as ClassFile
  switch (pool.tag(index)) {
    case Tag.integer:
      return yield* box(vm, 'I', pool.int(index))
    case Tag.float:
      return yield* box(vm, 'F', new Float32Array(Int32Array.of(pool.floatBits(index)).buffer)[0] as number)
    case Tag.long: {
      const [high, low] = pool.words(index)
      return yield* box(vm, 'J', (BigInt(high) << 32n) | BigInt(low >>> 0))
    }
    case Tag.double: {
      const [high, low] = pool.words(index)
      return yield* box(vm, 'D', new Float64Array(Int32Array.of(low, high).buffer)[0] as number)
    }
    case Tag.string:
      return vm.heap.intern(pool.named(index, Tag.string))
    case Tag.class:
      return vm.mirrors.of(yield* vm.resolver.resolveClass(cls, index))
    default: {
      const constant = yield* resolveConstant(vm, cls, index)
      if (constant.kind === 'L') return vm.rt.refs.get(constant.place) as Ref
      const { descriptor } = pool.dynamic(index)
      const value = vm.heap.getStatic({ kind: constant.kind, place: constant.place } as never)
      return yield* box(vm, descriptor, value)
    }
  }
}

/** Resolves a method handle, method type or dynamic constant, once. */
export function* resolveConstant(vm: Vm, cls: JavaClass, index: number): Work<ResolvedConstant> {
  const known = cls.resolved[index] as ResolvedConstant | undefined
  if (known?.isConstant) return known
  const { pool } = cls.file as ClassFile
  const make = (): Work<Value> => {
    switch (pool.tag(index)) {
      case Tag.methodType:
        return methodTypeOf(vm, pool.named(index, Tag.methodType), cls)
      case Tag.methodHandle:
        return handleConstant(vm, cls, index)
      case Tag.dynamic:
        return dynamicConstant(vm, cls, index)
      case Tag.class:
        return constantObject(vm, cls, index)
      default:
        throw new JavaProblem('java/lang/ClassFormatError', `constant ${index} cannot be loaded`)
    }
  }
  const value = yield* make()
  const kind = pool.tag(index) === Tag.dynamic ? kindOf(pool.dynamic(index).descriptor) : 'L'
  if (pool.tag(index) === Tag.class) return vm.constants.make(kind, value)
  const constant = vm.constants.make(kind, value)
  return (cls.resolved[index] ??= constant) as ResolvedConstant
}

function* handleConstant(vm: Vm, cls: JavaClass, index: number): Work<Ref> {
  const { pool } = cls.file as ClassFile
  const [kind, memberIndex] = pool.methodHandle(index)
  const { owner, name, descriptor } = pool.member(memberIndex)
  const ownerClass = yield* load(vm, owner[0] === '[' ? owner : `L${owner};`, cls)
  if (kind > 4) yield* vm.resolver.resolveMethod(cls, memberIndex)
  else yield* vm.resolver.resolveField(cls, memberIndex, kind === 2 || kind === 4)
  const type = kind <= 4 ? vm.mirrors.of(yield* load(vm, descriptor, cls)) : yield* methodTypeOf(vm, descriptor, cls)
  const text = vm.heap.intern(name)
  return yield* upcall(vm, 'linkMethodHandleConstant', vm.mirrors.of(cls), kind, vm.mirrors.of(ownerClass), text, type)
}

/** A bootstrap method and its static arguments (JVMS §4.7.23), as the library wants them. */
function* bootstrap(vm: Vm, cls: JavaClass, index: number): Work<readonly [method: Ref, args: Ref]> {
  const file = cls.file as ClassFile
  const attribute = findAttribute(file.attributes, 'BootstrapMethods')
  if (!attribute) throw new JavaProblem('java/lang/ClassFormatError', `no BootstrapMethods in ${file.name}`)
  let at = attribute.start + 2
  for (let i = 0; i < index; i++) at += 4 + readU2(file.bytes, at + 2) * 2
  const method = yield* constantObject(vm, cls, readU2(file.bytes, at))
  const count = readU2(file.bytes, at + 2)
  const args: Ref[] = []
  for (let i = 0; i < count; i++) args.push(yield* constantObject(vm, cls, readU2(file.bytes, at + 4 + i * 2)))
  if (count === 0) return [method, null]
  if (count === 1) return [method, args[0] as Ref]
  return [method, vm.heap.refArray('[Ljava/lang/Object;', args)]
}

function* dynamicConstant(vm: Vm, cls: JavaClass, index: number): Work<Value> {
  const { bootstrap: number, name, descriptor } = (cls.file as ClassFile).pool.dynamic(index)
  const [method, args] = yield* bootstrap(vm, cls, number)
  const type = vm.mirrors.of(yield* load(vm, descriptor, cls))
  const text = vm.heap.intern(name)
  const boxed = yield* upcall(vm, 'linkDynamicConstant', vm.mirrors.of(cls), index, method, text, type, args)
  return descriptor.length === 1 ? unbox(vm, boxed, descriptor) : boxed
}

/** Links an invokedynamic instruction (JVMS §6.5): a call of the adapter that the library makes. */
export function* linkDynamic(vm: Vm, site: Site): Work<void> {
  const index = readU2(site.instruction, 1)
  const { bootstrap: number, name, descriptor } = (site.cls.file as ClassFile).pool.dynamic(index)
  const [method, args] = yield* bootstrap(vm, site.cls, number)
  const type = yield* methodTypeOf(vm, descriptor, site.cls)
  const appendix = vm.heap.refArray('[Ljava/lang/Object;', [null])
  const caller = vm.mirrors.of(site.cls)
  let member: Ref
  try {
    member = yield* upcall(vm, 'linkCallSite', caller, index, method, vm.heap.intern(name), type, args, appendix)
  } catch (error) {
    throw bootstrapError(vm, error)
  }
  install(vm, site, member, appendix)
}

/** What a bootstrap method throws and is no Error comes as a BootstrapMethodError. */
function bootstrapError(vm: Vm, error: unknown): Thrown {
  const thrown = vm.throwableOf(error)
  if (vm.heap.classOf(thrown).isSubtypeOf(vm.classes.boot('java/lang/Error'))) return new Thrown(thrown)
  return new Thrown(
    vm.makeThrowable('java/lang/BootstrapMethodError', 'CallSite bootstrap method initialization exception', thrown),
  )
}

function install(vm: Vm, site: Site, member: Ref, appendixHolder: Ref): void {
  const appendix = vm.rt.getL(appendixHolder, 0)
  const target = vm.heap.get(member, '$method') as number
  appendixThunk(vm, site.signature, target, appendix, site.place)
}

/** Links a call of MethodHandle.invoke, invokeExact or an access mode of VarHandle. */
export function* linkHandleCall(vm: Vm, site: Site, owner: string, name: string, descriptor: string): Work<void> {
  const type = yield* methodTypeOf(vm, descriptor, site.cls)
  const appendix = vm.heap.refArray('[Ljava/lang/Object;', [null])
  const ownerMirror = vm.mirrors.of(vm.classes.boot(owner))
  // REF_invokeVirtual.
  const kind = 5
  const text = vm.heap.intern(name)
  const member = yield* upcall(vm, 'linkMethod', vm.mirrors.of(site.cls), kind, ownerMirror, text, type, appendix)
  install(vm, site, member, appendix)
}
