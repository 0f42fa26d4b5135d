import { ACC_ABSTRACT, ACC_PUBLIC } from '../class-file/access.ts'
import { ClassReader } from '../class-file/bytes.ts'
import { findAttribute } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { box, unbox } from '../runtime/boxes.ts'
import { dotted } from '../runtime/class-table.ts'
import type { JavaClass, Method, Ref, Value } from '../runtime/classes.ts'
import { nestHostOf } from '../runtime/nests.ts'
import { invoke, Thrown, type Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import {
  memberAttribute,
  reflectedField,
  reflectedMethod,
  reflectField,
  reflectMethod,
  visibleFields,
} from './members.ts'
import { natives } from './table.ts'

const of = (vm: Vm, mirror: Ref): JavaClass => vm.classes.ofMirror(mirror)

function* collect<M>(items: readonly M[], make: (item: M) => Work<Ref>): Work<Ref[]> {
  const made: Ref[] = []
  for (const item of items) made.push(yield* make(item))
  return made
}
const seen = (access: number, publicOnly: number): boolean => !publicOnly || (access & ACC_PUBLIC) !== 0

/** The class, linked: its members are not shown before they have been verified. */
function* prepared(vm: Vm, mirror: Ref): Work<JavaClass> {
  const cls = of(vm, mirror)
  if (cls.file) yield* vm.linker.prepare(cls)
  return cls
}

natives('java/lang/Class', {
  *getDeclaredFields0(vm: Vm, self: Ref, publicOnly: number) {
    const fields = visibleFields(yield* prepared(vm, self)).filter(f => seen(f.info.access, publicOnly))
    return vm.heap.refArray('[Ljava/lang/reflect/Field;', yield* collect(fields, f => reflectField(vm, f)))
  },
  *getDeclaredMethods0(vm: Vm, self: Ref, publicOnly: number) {
    const methods = (yield* prepared(vm, self)).methods.filter(
      m => !m.name.startsWith('<') && seen(m.access, publicOnly),
    )
    return vm.heap.refArray('[Ljava/lang/reflect/Method;', yield* collect(methods, m => reflectMethod(vm, m)))
  },
  *getDeclaredConstructors0(vm: Vm, self: Ref, publicOnly: number) {
    const methods = (yield* prepared(vm, self)).methods.filter(m => m.name === '<init>' && seen(m.access, publicOnly))
    return vm.heap.refArray('[Ljava/lang/reflect/Constructor;', yield* collect(methods, m => reflectMethod(vm, m)))
  },
  *getRecordComponents0(vm: Vm, self: Ref) {
    const cls = of(vm, self)
    const attribute = cls.file && findAttribute(cls.file.attributes, 'Record')
    if (!cls.file || !attribute) return null
    const { pool, bytes } = cls.file
    const type = vm.classes.boot('java/lang/reflect/RecordComponent')
    yield* vm.linker.initialize(type)
    const reader = new ClassReader(bytes, attribute.start, attribute.start + attribute.length)
    const components: Ref[] = []
    for (let count = reader.u2(); count > 0; count--) {
      const [name, descriptor] = [pool.utf8(reader.u2()), pool.utf8(reader.u2())]
      const component = vm.heap.allocate(type)
      const set = (key: string, value: Ref): void => vm.heap.set(component, key, value)
      set('clazz', self)
      set('name', vm.heap.intern(name))
      const fieldType =
        descriptor.length === 1
          ? vm.classes.primitive(descriptor)
          : yield* vm.linker.loadFor(descriptor[0] === 'L' ? descriptor.slice(1, -1) : descriptor, cls.loader)
      set('type', vm.mirrors.of(fieldType))
      const accessor = cls.declared(name, `()${descriptor}`)
      set('accessor', accessor ? yield* reflectMethod(vm, accessor) : null)
      for (let attributes = reader.u2(); attributes > 0; attributes--) {
        const [key, length] = [pool.utf8(reader.u2()), reader.u4()]
        if (key === 'Signature')
          set(
            'signature',
            vm.heap.intern(pool.utf8((bytes[reader.at] as number) * 256 + (bytes[reader.at + 1] as number))),
          )
        const target = { RuntimeVisibleAnnotations: 'annotations', RuntimeVisibleTypeAnnotations: 'typeAnnotations' }[
          key
        ]
        if (target) set(target, vm.heap.byteArray(bytes.subarray(reader.at, reader.at + length)))
        reader.skip(length)
      }
      components.push(component)
    }
    return vm.heap.refArray('[Ljava/lang/reflect/RecordComponent;', components)
  },
})

/** Arguments of a reflective call, unboxed and widened as the method wants them. */
function* argumentsFor(vm: Vm, method: Method, args: Ref): Work<Value[]> {
  const given = args === null ? [] : vm.heap.items(args)
  const wanted = method.descriptor.params
  if (given.length !== wanted.length) {
    throw new JavaProblem('java/lang/IllegalArgumentException', 'wrong number of arguments')
  }
  const values: Value[] = []
  for (const [i, descriptor] of wanted.entries()) {
    const value = given[i] as Ref
    if (descriptor.length === 1) {
      const unboxed = unbox(vm, value, descriptor)
      if (unboxed === null) throw new JavaProblem('java/lang/IllegalArgumentException', 'argument type mismatch')
      values.push(unboxed)
      continue
    }
    if (value !== null) {
      const name = descriptor[0] === 'L' ? descriptor.slice(1, -1) : descriptor
      const type = yield* vm.linker.loadFor(name, method.owner.loader)
      if (!vm.heap.classOf(value).isSubtypeOf(type)) {
        throw new JavaProblem('java/lang/IllegalArgumentException', 'argument type mismatch')
      }
    }
    values.push(value)
  }
  return values
}
function* reflectively(vm: Vm, method: Method, args: readonly Value[]): Work<Value> {
  try {
    return yield* invoke(method, ...args)
  } catch (error) {
    const target = vm.throwableOf(error)
    const wrapper = vm.makeThrowable('java/lang/reflect/InvocationTargetException', null)
    vm.heap.set(wrapper, 'target', target)
    vm.heap.set(wrapper, 'cause', null)
    throw new Thrown(wrapper)
  }
}

natives('jdk/internal/reflect/NativeMethodAccessorImpl', {
  *invoke0(vm: Vm, reflected: Ref, self: Ref, args: Ref) {
    const method = reflectedMethod(vm, reflected)
    let target = method
    if (method.isStatic) yield* vm.linker.initialize(method.owner)
    else {
      if (self === null) throw new JavaProblem('java/lang/NullPointerException')
      const cls = vm.heap.classOf(self)
      if (!cls.isSubtypeOf(method.owner)) {
        throw new JavaProblem('java/lang/IllegalArgumentException', 'object is not an instance of declaring class')
      }
      target = cls.select(method)
      vm.linker.link(target.owner)
    }
    const values = yield* argumentsFor(vm, method, args)
    const result = yield* reflectively(vm, target, method.isStatic ? values : [self, ...values])
    const { result: type } = method.descriptor
    if (type === 'V') return null
    return type.length === 1 ? yield* box(vm, type, result) : (result as Ref)
  },
})
natives('jdk/internal/reflect/NativeConstructorAccessorImpl', {
  *newInstance0(vm: Vm, reflected: Ref, args: Ref) {
    const method = reflectedMethod(vm, reflected)
    const cls = method.owner
    if (cls.access & ACC_ABSTRACT) throw new JavaProblem('java/lang/InstantiationException', dotted(cls.name))
    yield* vm.linker.initialize(cls)
    const values = yield* argumentsFor(vm, method, args)
    const object = vm.heap.allocate(cls)
    yield* reflectively(vm, method, [object, ...values])
    return object
  },
})

natives('java/lang/reflect/Executable', {
  *getParameters0(vm: Vm, self: Ref) {
    const method = reflectedMethod(vm, self)
    const attribute = findAttribute(method.info.attributes, 'MethodParameters')
    const file = method.owner.file
    if (!attribute || !file) return null
    const type = vm.classes.boot('java/lang/reflect/Parameter')
    yield* vm.linker.initialize(type)
    const reader = new ClassReader(file.bytes, attribute.start, attribute.start + attribute.length)
    const parameters = Array.from({ length: reader.u1() }, (_, i) => {
      const [name, access] = [reader.u2(), reader.u2()]
      const parameter = vm.heap.allocate(type)
      vm.heap.set(parameter, 'name', name === 0 ? null : vm.heap.intern(file.pool.utf8(name)))
      vm.heap.set(parameter, 'modifiers', access)
      vm.heap.set(parameter, 'executable', self)
      vm.heap.set(parameter, 'index', i)
      return parameter
    })
    return vm.heap.refArray('[Ljava/lang/reflect/Parameter;', parameters)
  },
  getTypeAnnotationBytes0: (vm: Vm, self: Ref) =>
    memberAttribute(vm, reflectedMethod(vm, self), 'RuntimeVisibleTypeAnnotations'),
})
natives('java/lang/reflect/Field', {
  getTypeAnnotationBytes0: (vm: Vm, self: Ref) =>
    memberAttribute(vm, reflectedField(vm, self), 'RuntimeVisibleTypeAnnotations'),
})

/** Frames that reflection itself adds and that callers are not looked for in. */
function isReflection(method: Method): boolean {
  const { name } = method.owner
  return (
    (name === 'java/lang/reflect/Method' && method.name === 'invoke') ||
    name.startsWith('jdk/internal/reflect/') ||
    method.owner.hidden
  )
}
natives('jdk/internal/reflect/Reflection', {
  getCallerClass: (vm: Vm) => {
    // The native itself, the method that asks, then its caller.
    const frames = vm.traces.capture(40).slice(2)
    const caller = frames.find(f => !isReflection(f.method))
    return caller ? vm.mirrors.of(caller.method.owner) : null
  },
  getClassAccessFlags: (vm: Vm, mirror: Ref) => of(vm, mirror).access & 0x7fff,
  areNestMates: (vm: Vm, a: Ref, b: Ref) => (nestHostOf(vm, of(vm, a)) === nestHostOf(vm, of(vm, b)) ? 1 : 0),
})

natives('java/security/AccessController', {
  getStackAccessControlContext: () => null,
  getInheritedAccessControlContext: () => null,
  ensureMaterializedForStackWalk: () => undefined,
  getProtectionDomain: (vm: Vm, mirror: Ref) => of(vm, mirror).protectionDomain,
})
