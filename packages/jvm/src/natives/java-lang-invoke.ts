import { ACC_STATIC } from '../class-file/access.ts'
import { JavaProblem } from '../problem.ts'
import { dotted } from '../runtime/class-table.ts'
import { type Field, isCallerSensitive, type JavaClass, Method, type Ref } from '../runtime/classes.ts'
import { polymorphicKind } from '../runtime/polymorphic.ts'
import { invoke } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { reflectedField, reflectedMethod } from './members.ts'
import { natives } from './table.ts'

/** MemberName.flags (java.lang.invoke.MethodHandleNatives.Constants). */
const MN_IS_METHOD = 0x10000
const MN_IS_CONSTRUCTOR = 0x20000
const MN_IS_FIELD = 0x40000
const MN_CALLER_SENSITIVE = 0x100000
const MN_TRUSTED_FINAL = 0x200000
const KIND_SHIFT = 24
const REF = {
  getField: 1,
  getStatic: 2,
  putField: 3,
  putStatic: 4,
  invokeVirtual: 5,
  invokeStatic: 6,
  invokeSpecial: 7,
  newInvokeSpecial: 8,
  invokeInterface: 9,
}

/** Fills a MemberName for a method; `kind` is the reference kind asked for. */
function setMethod(vm: Vm, member: Ref, method: Method, asked: number): void {
  const { heap } = vm
  const constructor = method.name === '<init>'
  let kind = asked
  if (method.isStatic) kind = REF.invokeStatic
  else if (constructor) kind = REF.newInvokeSpecial
  else if (asked === REF.invokeSpecial) kind = REF.invokeSpecial
  else if (method.owner.isInterface && method.virtualIndex < 0)
    kind = method.isPrivate ? REF.invokeSpecial : REF.invokeInterface
  else kind = method.isPrivate ? REF.invokeSpecial : REF.invokeVirtual
  const callerSensitive = isCallerSensitive(method) ? MN_CALLER_SENSITIVE : 0
  const flags =
    (method.access & 0xffff) | (constructor ? MN_IS_CONSTRUCTOR : MN_IS_METHOD) | (kind << KIND_SHIFT) | callerSensitive
  vm.linker.link(method.owner)
  heap.set(member, 'flags', flags)
  heap.set(member, 'clazz', vm.mirrors.of(method.owner))
  heap.set(member, '$method', method.id)
  heap.set(member, '$index', kind === REF.invokeVirtual && !method.isFixed ? method.virtualIndex : -1)
  const resolved = vm.classes.boot('java/lang/invoke/ResolvedMethodName')
  vm.linker.link(resolved)
  heap.set(member, 'method', heap.allocate(resolved))
}
function setField(vm: Vm, member: Ref, field: Field, kind: number): void {
  const setter = kind === REF.putField || kind === REF.putStatic
  const actual = field.isStatic ? (setter ? REF.putStatic : REF.getStatic) : setter ? REF.putField : REF.getField
  const { owner } = field
  const trusted =
    field.info.access & 0x10 && (field.isStatic || owner.hidden || owner.superclass?.name === 'java/lang/Record')
  const flags = (field.info.access & 0xffff) | MN_IS_FIELD | (actual << KIND_SHIFT) | (trusted ? MN_TRUSTED_FINAL : 0)
  vm.heap.set(member, 'flags', flags)
  vm.heap.set(member, 'clazz', vm.mirrors.of(owner))
  vm.heap.set(member, '$index', owner.fields.indexOf(field))
}

/** The descriptor that MemberName.type stands for: a String, a MethodType or a Class. */
function descriptorOf(vm: Vm, type: Ref): string {
  const cls = vm.heap.classOf(type)
  if (cls.name === 'java/lang/String') return vm.heap.text(type)
  if (cls.name === 'java/lang/Class') return classDescriptor(vm.classes.ofMirror(type))
  if (cls.name === 'java/lang/invoke/MethodType') {
    const result = classDescriptor(vm.classes.ofMirror(vm.heap.get(type, 'rtype') as Ref))
    const params = vm.heap.items(vm.heap.get(type, 'ptypes') as Ref).map(p => classDescriptor(vm.classes.ofMirror(p)))
    return `(${params.join('')})${result}`
  }
  throw new JavaProblem('java/lang/InternalError', `unrecognized type ${dotted(cls.name)}`)
}
/** A class’s field descriptor. */
export function classDescriptor(cls: JavaClass): string {
  return cls.primitive ?? (cls.isArray ? cls.name : `L${cls.name};`)
}

function notFound(what: string, owner: JavaClass, name: string, descriptor: string): JavaProblem {
  return new JavaProblem(
    what === 'field' ? 'java/lang/NoSuchFieldError' : 'java/lang/NoSuchMethodError',
    what === 'field' ? name : `${dotted(owner.name)}.${name}${descriptor}`,
  )
}

natives('java/lang/invoke/MethodHandleNatives', {
  init: (vm: Vm, member: Ref, reflected: Ref) => {
    const cls = vm.heap.classOf(reflected)
    if (cls.name === 'java/lang/reflect/Field') return setField(vm, member, reflectedField(vm, reflected), REF.getField)
    const method = reflectedMethod(vm, reflected)
    setMethod(vm, member, method, method.owner.isInterface ? REF.invokeInterface : REF.invokeVirtual)
  },
  expand: () => undefined,
  resolve(vm: Vm, member: Ref, _caller: Ref, _mode: number, speculative: number) {
    const { heap } = vm
    const mirror = heap.get(member, 'clazz') as Ref
    const nameObject = heap.get(member, 'name') as Ref
    const type = heap.get(member, 'type') as Ref
    if (mirror === null || nameObject === null || type === null) {
      throw new JavaProblem('java/lang/IllegalArgumentException', 'nothing to resolve')
    }
    const owner = vm.classes.ofMirror(mirror)
    const name = heap.text(nameObject)
    const flags = heap.get(member, 'flags') as number
    const kind = (flags >>> KIND_SHIFT) & 15
    const descriptor = descriptorOf(vm, type)
    if (owner.primitive) {
      if (speculative) return null
      throw notFound(flags & MN_IS_FIELD ? 'field' : 'method', owner, name, descriptor)
    }
    if (flags & MN_IS_FIELD) {
      const field = owner.findField(name, descriptor)
      if (!field) {
        if (speculative) return null
        throw notFound('field', owner, name, descriptor)
      }
      setField(vm, member, field, kind)
      return member
    }
    if (polymorphicKind(owner.name, name) === 'intrinsic') return intrinsicMember(vm, member, owner, name, descriptor)
    const method = owner.findMethod(name, descriptor)
    if (!method || method.isStatic !== (kind === REF.invokeStatic)) {
      if (speculative) return null
      if (method) {
        throw new JavaProblem(
          'java/lang/IncompatibleClassChangeError',
          `Expected ${method.isStatic ? 'non-static' : 'static'} method '${method.toString()}'`,
        )
      }
      throw notFound('method', owner, name, descriptor)
    }
    setMethod(vm, member, method, kind)
    return member
  },
  getMembers: (
    vm: Vm,
    mirror: Ref,
    matchName: Ref,
    _sig: Ref,
    flags: number,
    _caller: Ref,
    skip: number,
    results: Ref,
  ) => {
    const cls = vm.classes.ofMirror(mirror)
    const name = matchName === null ? undefined : vm.heap.text(matchName)
    const found: (Method | Field)[] = []
    if (flags & MN_IS_FIELD)
      found.push(...cls.fields.filter(f => !f.name.startsWith('$') && (!name || f.name === name)))
    if (flags & (MN_IS_METHOD | MN_IS_CONSTRUCTOR)) {
      found.push(...cls.methods.filter(m => m.name !== '<clinit>' && (!name || m.name === name)))
    }
    const room = vm.rt.arrayLength(results)
    found.slice(skip, skip + room).forEach((item, i) => {
      const member = vm.rt.getL(results, i)
      if (item instanceof Method) setMethod(vm, member, item, REF.invokeVirtual)
      else setField(vm, member, item, REF.getField)
    })
    return Math.max(0, found.length - skip)
  },
  *getMemberVMInfo(vm: Vm, member: Ref) {
    const index = vm.heap.get(member, '$index') as number
    const long = vm.classes.boot('java/lang/Long')
    yield* vm.linker.initialize(long)
    const number = (yield* invoke(long.declared('valueOf', '(J)Ljava/lang/Long;') as Method, BigInt(index))) as Ref
    const target =
      (vm.heap.get(member, 'flags') as number) & MN_IS_FIELD ? (vm.heap.get(member, 'clazz') as Ref) : member
    return vm.heap.refArray('[Ljava/lang/Object;', [number, target])
  },
  setCallSiteTargetNormal: (vm: Vm, site: Ref, target: Ref) => vm.heap.set(site, 'target', target),
  setCallSiteTargetVolatile: (vm: Vm, site: Ref, target: Ref) => vm.heap.set(site, 'target', target),
  clearCallSiteContext: () => undefined,
  getNamedCon: () => 0,
})

/** A MemberName for invokeBasic or a linker at one erased signature: the code-table place is the target. */
function intrinsicMember(vm: Vm, member: Ref, owner: JavaClass, name: string, descriptor: string): Ref {
  const declared = owner.methods.find(m => m.name === name) as Method
  const isStatic = (declared.access & ACC_STATIC) !== 0
  const place = vm.polymorphicPlace(name, descriptor, isStatic)
  const kind = isStatic ? REF.invokeStatic : REF.invokeVirtual
  vm.heap.set(member, 'flags', (declared.access & 0xffff) | MN_IS_METHOD | (kind << KIND_SHIFT))
  vm.heap.set(member, '$method', place)
  vm.heap.set(member, '$index', -1)
  return member
}

natives('java/lang/invoke/MethodHandle', {
  invoke: () => {
    throw new JavaProblem(
      'java/lang/UnsupportedOperationException',
      'MethodHandle.invoke cannot be invoked reflectively',
    )
  },
  invokeExact: () => {
    throw new JavaProblem(
      'java/lang/UnsupportedOperationException',
      'MethodHandle.invokeExact cannot be invoked reflectively',
    )
  },
})
