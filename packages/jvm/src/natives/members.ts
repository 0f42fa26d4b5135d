import { findAttribute } from '../class-file/parse.ts'
import { readU2 } from '../class-file/bytes.ts'
import type { Field, JavaClass, Method, Ref } from '../runtime/classes.ts'
import { isInjected } from '../runtime/injected.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'

/** The machine’s field behind a java.lang.reflect.Field. */
export function reflectedField(vm: Vm, field: Ref): Field {
  const cls = vm.classes.ofMirror(vm.heap.get(field, 'clazz') as Ref)
  return cls.fields[vm.heap.get(field, 'slot') as number] as Field
}
/** The machine’s method behind a java.lang.reflect.Method or Constructor. */
export function reflectedMethod(vm: Vm, method: Ref): Method {
  const cls = vm.classes.ofMirror(vm.heap.get(method, 'clazz') as Ref)
  return cls.methods[vm.heap.get(method, 'slot') as number] as Method
}
/** The field that a resolved MemberName stands for. */
export function fieldOfMember(vm: Vm, member: Ref): Field {
  const cls = vm.classes.ofMirror(vm.heap.get(member, 'clazz') as Ref)
  return cls.fields[vm.heap.get(member, '$index') as number] as Field
}

function* mirrorOf(vm: Vm, descriptor: string, from: JavaClass): Work<Ref> {
  if (descriptor.length === 1) return vm.mirrors.of(vm.classes.primitive(descriptor))
  const name = descriptor[0] === 'L' ? descriptor.slice(1, -1) : descriptor
  return vm.mirrors.of(yield* vm.linker.loadFor(name, from.loader))
}
function attributeBytes(vm: Vm, member: Field | Method, name: string): Ref {
  const attribute = findAttribute(member.info.attributes, name)
  const bytes = member.owner.file?.bytes
  if (!attribute || !bytes) return null
  return vm.heap.byteArray(bytes.subarray(attribute.start, attribute.start + attribute.length))
}
function signature(vm: Vm, member: Field | Method): Ref {
  const attribute = findAttribute(member.info.attributes, 'Signature')
  const file = member.owner.file
  return attribute && file ? vm.heap.intern(file.pool.utf8(readU2(file.bytes, attribute.start))) : null
}

/** A java.lang.reflect.Field. */
export function* reflectField(vm: Vm, field: Field): Work<Ref> {
  const type = vm.classes.boot('java/lang/reflect/Field')
  yield* vm.linker.initialize(type)
  const fieldType = yield* mirrorOf(vm, field.descriptor, field.owner)
  const { owner } = field
  const trusted =
    field.info.access & 0x10 && (field.isStatic || owner.hidden || owner.superclass?.name === 'java/lang/Record')
  const object = vm.heap.allocate(type)
  const set = (name: string, value: number | Ref): void => vm.heap.set(object, name, value)
  set('clazz', vm.mirrors.of(owner))
  set('slot', owner.fields.indexOf(field))
  set('name', vm.heap.intern(field.name))
  set('type', fieldType)
  set('modifiers', field.info.access & 0xffff)
  set('trustedFinal', trusted ? 1 : 0)
  set('signature', signature(vm, field))
  set('annotations', attributeBytes(vm, field, 'RuntimeVisibleAnnotations'))
  return object
}

/** A java.lang.reflect.Method or Constructor. */
export function* reflectMethod(vm: Vm, method: Method): Work<Ref> {
  const constructor = method.name === '<init>'
  const type = vm.classes.boot(`java/lang/reflect/${constructor ? 'Constructor' : 'Method'}`)
  yield* vm.linker.initialize(type)
  const params: Ref[] = []
  for (const p of method.descriptor.params) params.push(yield* mirrorOf(vm, p, method.owner))
  const result = constructor ? null : yield* mirrorOf(vm, method.descriptor.result, method.owner)
  const thrown = yield* exceptionTypes(vm, method)
  const object = vm.heap.allocate(type)
  const set = (name: string, value: number | Ref): void => vm.heap.set(object, name, value)
  set('clazz', vm.mirrors.of(method.owner))
  set('slot', method.owner.methods.indexOf(method))
  set('parameterTypes', vm.heap.refArray('[Ljava/lang/Class;', params))
  set('exceptionTypes', thrown)
  set('modifiers', method.access & 0xffff)
  set('signature', signature(vm, method))
  set('annotations', attributeBytes(vm, method, 'RuntimeVisibleAnnotations'))
  set('parameterAnnotations', attributeBytes(vm, method, 'RuntimeVisibleParameterAnnotations'))
  if (!constructor) {
    set('name', vm.heap.intern(method.name))
    set('returnType', result)
    set('annotationDefault', attributeBytes(vm, method, 'AnnotationDefault'))
  }
  return object
}
function* exceptionTypes(vm: Vm, method: Method): Work<Ref> {
  const attribute = findAttribute(method.info.attributes, 'Exceptions')
  const types: Ref[] = []
  const file = method.owner.file
  if (attribute && file) {
    for (let i = 0, count = readU2(file.bytes, attribute.start); i < count; i++) {
      const index = readU2(file.bytes, attribute.start + 2 + i * 2)
      types.push(vm.mirrors.of(yield* vm.resolver.resolveClass(method.owner, index)))
    }
  }
  return vm.heap.refArray('[Ljava/lang/Class;', types)
}

/** A class’s fields that the guest may see. */
export function visibleFields(cls: JavaClass): Field[] {
  return cls.fields.filter(field => !isInjected(field.name))
}
/** Bytes of an attribute of a member, or null. */
export const memberAttribute: typeof attributeBytes = attributeBytes
