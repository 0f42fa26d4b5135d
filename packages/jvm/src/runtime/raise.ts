import { JavaProblem } from '../problem.ts'
import type { Field, JavaClass, Ref, Value } from './classes.ts'
import { dotted } from './class-table.ts'
import { externalType } from './resolve.ts'
import { RAISE } from './support.ts'
import type { Vm } from './vm.ts'

/** Room that handling a stack overflow gets beyond the thread’s budget. */
const OVERFLOW_RESERVE_BYTES = 65_536

/** Throws what compiled code asks for; `code` is one of `RAISE`. */
export function raise(vm: Vm, code: number, a: number, b: number, object: Ref): never {
  switch (code) {
    case RAISE.arithmetic:
      throw new JavaProblem('java/lang/ArithmeticException', '/ by zero')
    case RAISE.arrayIndex:
      throw new JavaProblem('java/lang/ArrayIndexOutOfBoundsException', `Index ${a} out of bounds for length ${b}`)
    case RAISE.negativeSize:
      throw new JavaProblem('java/lang/NegativeArraySizeException', String(a))
    case RAISE.classCast:
      throw new JavaProblem(
        'java/lang/ClassCastException',
        castMessage(vm, vm.heap.classOf(object), vm.classes.byId(a)),
      )
    case RAISE.arrayStore:
      throw new JavaProblem('java/lang/ArrayStoreException', dotted(vm.heap.classOf(object).name))
    case RAISE.stackOverflow:
      vm.stackLeft += OVERFLOW_RESERVE_BYTES
      throw new JavaProblem('java/lang/StackOverflowError')
    case RAISE.illegalMonitor:
      throw new JavaProblem('java/lang/IllegalMonitorStateException', 'current thread is not owner')
    case RAISE.outOfMemory:
      throw new JavaProblem(
        'java/lang/OutOfMemoryError',
        a >= 0x7fffffff - 1 ? 'Requested array size exceeds VM limit' : 'Java heap space',
      )
    case RAISE.copyBounds:
      throw new JavaProblem('java/lang/ArrayIndexOutOfBoundsException', copyMessage(vm, a, b, object))
    default:
      throw new JavaProblem('java/lang/NullPointerException')
  }
}

/** A new throwable without running its constructor, its stack trace filled in. */
export function makeThrowable(vm: Vm, className: string, message: string | null, cause: Ref): Ref {
  const cls = vm.classes.boot(className)
  const base = vm.classes.boot('java/lang/Throwable')
  vm.linker.link(cls)
  const object = vm.heap.allocate(cls)
  const field = (name: string): Field => base.declaredField(name) as Field
  const set = (name: string, value: Value): void => vm.heap.setField(object, field(name), value)
  set('detailMessage', vm.heap.stringOrNull(message))
  set('cause', cause ?? object)
  set('suppressedExceptions', vm.heap.getStatic(field('SUPPRESSED_SENTINEL')))
  set('stackTrace', vm.heap.getStatic(field('UNASSIGNED_STACK')))
  // NullPointerException computes its message only while its stack has been filled in once.
  const filled = cls.findField('numStackTracesFilledIn') ?? cls.findField('extendedMessageState')
  if (filled) vm.heap.setField(object, filled, 1)
  vm.traces.fillIn(object, 'made')
  return object
}

/** `class A cannot be cast to class B (A and B are in …)`, as OpenJDK words it. */
function castMessage(vm: Vm, from: JavaClass, to: JavaClass): string {
  const name = (cls: JavaClass): string => (cls.isArray ? externalType(cls.name) : dotted(cls.name))
  const quoted = (cls: JavaClass): string => `class ${cls.isArray ? dotted(cls.name) : name(cls)}`
  const place = (cls: JavaClass): string => {
    let c = cls
    while (c.element) c = c.element
    if (c.loader.object === null) return "module java.base of loader 'bootstrap'"
    return `unnamed module of loader ${vm.loaderLabel(c.loader)}`
  }
  const short = (cls: JavaClass): string => (cls.isArray ? dotted(cls.name) : name(cls))
  const [a, b] = [place(from), place(to)]
  const where =
    a === b ? `${short(from)} and ${short(to)} are in ${a}` : `${short(from)} is in ${a}; ${short(to)} is in ${b}`
  return `${quoted(from)} cannot be cast to ${quoted(to)} (${where})`
}

function copyMessage(vm: Vm, what: number, value: number, array: Ref): string {
  const length = vm.rt.arrayLength(array)
  const { element } = vm.heap.classOf(array)
  const of = element?.primitive ? `${externalType(element.primitive)}[${length}]` : `object array[${length}]`
  switch (what) {
    case 0:
      return `arraycopy: source index ${value} out of bounds for ${of}`
    case 1:
      return `arraycopy: destination index ${value} out of bounds for ${of}`
    case 2:
      return `arraycopy: length ${value} is negative`
    case 3:
      return `arraycopy: last source index ${value >>> 0} out of bounds for ${of}`
    default:
      return `arraycopy: last destination index ${value >>> 0} out of bounds for ${of}`
  }
}

/** Why arrays cannot be copied into one another, as System.arraycopy words it. */
export function mismatchMessage(vm: Vm, from: Ref, to: Ref): string {
  const [source, target] = [vm.heap.classOf(from), vm.heap.classOf(to)]
  if (!source.element) return `arraycopy: source type ${dotted(source.name)} is not an array`
  if (!target.element) return `arraycopy: destination type ${dotted(target.name)} is not an array`
  const words = (cls: JavaClass): string => (cls.element?.primitive ? externalType(cls.name) : 'object array[]')
  return `arraycopy: type mismatch: can not copy ${words(source)} into ${words(target)}`
}
