import { ACC_ABSTRACT, ACC_INTERFACE } from '../class-file/access.ts'
import { JavaProblem } from '../problem.ts'
import { dotted } from '../runtime/class-table.ts'
import type { Field, Ref, Value } from '../runtime/classes.ts'
import { THREAD_STATUS } from '../runtime/threads.ts'
import { Thrown } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { fieldOfMember, reflectedField } from './members.ts'
import { natives } from './table.ts'
import { ARRAY_BASE, at, type Place, STATIC_BASE } from './unsafe-places.ts'

type Letter = 'Z' | 'B' | 'C' | 'S' | 'I' | 'J' | 'F' | 'D' | 'L'
const NAMES: readonly (readonly [string, Letter])[] = [
  ['Boolean', 'Z'],
  ['Byte', 'B'],
  ['Char', 'C'],
  ['Short', 'S'],
  ['Int', 'I'],
  ['Long', 'J'],
  ['Float', 'F'],
  ['Double', 'D'],
  ['Reference', 'L'],
]

for (const [name, letter] of NAMES) {
  const get = (vm: Vm, _self: Ref, object: Ref, offset: bigint): Value => at(vm, object, offset, letter).get()
  const put = (vm: Vm, _self: Ref, object: Ref, offset: bigint, value: Value): void =>
    at(vm, object, offset, letter).set(value)
  natives('jdk/internal/misc/Unsafe', {
    [`get${name}`]: get,
    [`put${name}`]: put,
    [`get${name}Volatile`]: get,
    [`put${name}Volatile`]: put,
  })
}

const same = (vm: Vm, a: Value, b: Value): boolean =>
  typeof a === 'object' && typeof b === 'object' ? vm.rt.same(a, b) === 1 : a === b
function swap(vm: Vm, place: Place, expected: Value, value: Value): readonly [before: Value, done: boolean] {
  const before = place.get()
  const done = same(vm, before, expected)
  if (done) place.set(value)
  return [before, done]
}
for (const [name, letter] of [
  ['Reference', 'L'],
  ['Int', 'I'],
  ['Long', 'J'],
] as const) {
  natives('jdk/internal/misc/Unsafe', {
    [`compareAndSet${name}`]: (vm: Vm, _s: Ref, object: Ref, offset: bigint, expected: Value, value: Value) =>
      swap(vm, at(vm, object, offset, letter), expected, value)[1] ? 1 : 0,
    [`compareAndExchange${name}`]: (vm: Vm, _s: Ref, object: Ref, offset: bigint, expected: Value, value: Value) =>
      swap(vm, at(vm, object, offset, letter), expected, value)[0],
  })
}

/** What Unsafe calls a field: an instance field by its number, a static one by its place. */
export function offsetOf(vm: Vm, field: Field): bigint {
  if (field.isStatic) return STATIC_BASE + BigInt(field.place)
  if (field.offset === 0) {
    const fields = (vm.state.get('unsafeFields') ?? [undefined]) as (Field | undefined)[]
    vm.state.set('unsafeFields', fields)
    field.offset = fields.length * 8
    fields.push(field)
  }
  return BigInt(field.offset)
}

/** Bytes of the elements from an offset on, when the object is an array or memory. */
function* byteRange(count: number): Iterable<number> {
  for (let i = 0; i < count; i++) yield i
}

natives('jdk/internal/misc/Unsafe', {
  loadFence: () => undefined,
  storeFence: () => undefined,
  fullFence: () => undefined,
  allocateMemory0: (vm: Vm, _s: Ref, bytes: bigint) => BigInt(vm.allocate(Number(bytes))),
  reallocateMemory0: (vm: Vm, _s: Ref, address: bigint, bytes: bigint) => {
    const to = vm.allocate(Number(bytes))
    if (address !== 0n) {
      new Uint8Array(vm.memory.buffer).copyWithin(to, Number(address), Number(address) + Number(bytes))
      vm.free(Number(address))
    }
    return BigInt(to)
  },
  freeMemory0: (vm: Vm, _s: Ref, address: bigint) => vm.free(Number(address)),
  setMemory0: (vm: Vm, _s: Ref, object: Ref, offset: bigint, bytes: bigint, value: number) => {
    if (object === null) {
      new Uint8Array(vm.memory.buffer, Number(offset), Number(bytes)).fill(value)
      return
    }
    for (const i of byteRange(Number(bytes))) at(vm, object, offset + BigInt(i), 'B').set(value)
  },
  copyMemory0: (vm: Vm, _s: Ref, from: Ref, fromOffset: bigint, to: Ref, toOffset: bigint, bytes: bigint) => {
    const count = Number(bytes)
    const isBytes = (array: Ref): boolean => vm.heap.classOf(array).name === '[B'
    if (from === null && to === null) {
      new Uint8Array(vm.memory.buffer).copyWithin(Number(toOffset), Number(fromOffset), Number(fromOffset) + count)
    } else if (from === null && isBytes(to)) {
      vm.rt.bytesFromMemory(to, Number(toOffset) - ARRAY_BASE, Number(fromOffset), count)
    } else if (to === null && isBytes(from)) {
      vm.rt.bytesToMemory(from, Number(fromOffset) - ARRAY_BASE, Number(toOffset), count)
    } else {
      const values = [...byteRange(count)].map(i => at(vm, from, fromOffset + BigInt(i), 'B').get())
      values.forEach((value, i) => at(vm, to, toOffset + BigInt(i), 'B').set(value))
    }
  },
  objectFieldOffset0: (vm: Vm, _s: Ref, field: Ref) => offsetOf(vm, reflectedField(vm, field)),
  objectFieldOffset1: (vm: Vm, _s: Ref, mirror: Ref, name: Ref) => {
    const field = vm.classes.ofMirror(mirror).declaredField(vm.heap.text(name))
    if (!field) throw new JavaProblem('java/lang/InternalError', vm.heap.text(name))
    return offsetOf(vm, field)
  },
  staticFieldOffset0: (vm: Vm, _s: Ref, field: Ref) => offsetOf(vm, reflectedField(vm, field)),
  staticFieldBase0: (vm: Vm, _s: Ref, field: Ref) => vm.mirrors.of(reflectedField(vm, field).owner),
  shouldBeInitialized0: (vm: Vm, _s: Ref, mirror: Ref) => (vm.classes.ofMirror(mirror).ready ? 0 : 1),
  *ensureClassInitialized0(vm: Vm, _s: Ref, mirror: Ref) {
    yield* vm.linker.initialize(vm.classes.ofMirror(mirror))
  },
  arrayBaseOffset0: () => ARRAY_BASE,
  arrayIndexScale0: (vm: Vm, _s: Ref, mirror: Ref) => {
    const letter = vm.classes.ofMirror(mirror).element?.primitive ?? 'L'
    return { Z: 1, B: 1, C: 2, S: 2, I: 4, F: 4, J: 8, D: 8 }[letter] ?? 4
  },
  *allocateInstance(vm: Vm, _s: Ref, mirror: Ref) {
    const cls = vm.classes.ofMirror(mirror)
    if (cls.access & (ACC_ABSTRACT | ACC_INTERFACE) || cls.isArray || cls.primitive) {
      throw new JavaProblem('java/lang/InstantiationException', dotted(cls.name))
    }
    yield* vm.linker.initialize(cls)
    return vm.heap.allocate(cls)
  },
  throwException: (_vm: Vm, _s: Ref, exception: Ref) => {
    throw new Thrown(exception)
  },
  *park(vm: Vm, _s: Ref, isAbsolute: number, time: bigint) {
    const thread = vm.threads.current
    if (thread.permit) {
      thread.permit = false
      return
    }
    if (thread.interrupted) return
    const now = vm.host.clock.realtimeNs() / 1_000_000n
    const ms = isAbsolute ? Number(time - now) : time === 0n ? undefined : Number(time) / 1e6
    if (ms !== undefined && ms <= 0) return
    yield* vm.threads.suspend(ms === undefined ? THREAD_STATUS.parked : THREAD_STATUS.timedParked, ms)
    thread.permit = false
  },
  unpark: (vm: Vm, _s: Ref, object: Ref) => {
    const thread = object === null ? undefined : vm.threads.of(object)
    if (!thread) return
    thread.permit = true
    thread.wake?.()
  },
  getLoadAverage0: () => -1,
  *defineClass0(vm: Vm, _s: Ref, name: Ref, bytes: Ref, offset: number, length: number, loader: Ref, domain: Ref) {
    const cls = yield* vm.classes.define(vm.heap.bytes(bytes, offset, length), vm.classes.loaderOf(loader), {
      expectedName: vm.heap.text(name).replaceAll('.', '/'),
      protectionDomain: domain,
      trusted: true,
    })
    return vm.mirrors.of(cls)
  },
})
natives('java/util/concurrent/atomic/AtomicLong', { VMSupportsCS8: () => 1 })
natives('java/lang/invoke/MethodHandleNatives', {
  objectFieldOffset: (vm: Vm, member: Ref) => offsetOf(vm, fieldOfMember(vm, member)),
  staticFieldOffset: (vm: Vm, member: Ref) => offsetOf(vm, fieldOfMember(vm, member)),
  staticFieldBase: (vm: Vm, member: Ref) => vm.mirrors.of(fieldOfMember(vm, member).owner),
})
