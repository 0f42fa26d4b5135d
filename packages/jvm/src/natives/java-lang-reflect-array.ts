import { JavaProblem } from '../problem.ts'
import { box, unbox } from '../runtime/boxes.ts'
import type { Ref, Value } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'
import { getElement, setElement } from './unsafe-places.ts'

function element(vm: Vm, array: Ref, index: number): string {
  if (array === null) throw new JavaProblem('java/lang/NullPointerException')
  const cls = vm.heap.classOf(array)
  if (!cls.element) throw new JavaProblem('java/lang/IllegalArgumentException', 'Argument is not an array')
  const length = vm.rt.arrayLength(array)
  if (index < 0 || index >= length) {
    throw new JavaProblem(
      'java/lang/ArrayIndexOutOfBoundsException',
      `Index ${index} out of bounds for length ${length}`,
    )
  }
  return cls.element.primitive ?? 'L'
}
const mismatch = (): JavaProblem => new JavaProblem('java/lang/IllegalArgumentException', 'argument type mismatch')
const WIDENS: Readonly<Record<string, string>> = { B: 'SIJFD', S: 'IJFD', C: 'IJFD', I: 'JFD', J: 'FD', F: 'D' }

function converted(value: Value, from: string, to: string): Value {
  if (from !== to && !WIDENS[from]?.includes(to)) throw mismatch()
  return to === 'J' ? BigInt(value as number | bigint) : Number(value)
}
for (const [name, letter] of Object.entries({
  Boolean: 'Z',
  Byte: 'B',
  Char: 'C',
  Short: 'S',
  Int: 'I',
  Long: 'J',
  Float: 'F',
  Double: 'D',
})) {
  natives('java/lang/reflect/Array', {
    [`get${name}`]: (vm: Vm, array: Ref, index: number) => {
      const from = element(vm, array, index)
      return converted(getElement(vm, array, index, from), from, letter)
    },
    [`set${name}`]: (vm: Vm, array: Ref, index: number, value: Value) => {
      const to = element(vm, array, index)
      setElement(vm, array, index, to, converted(value, letter, to))
    },
  })
}
natives('java/lang/reflect/Array', {
  getLength: (vm: Vm, array: Ref) => {
    if (array === null) throw new JavaProblem('java/lang/NullPointerException')
    if (!vm.heap.classOf(array).isArray) {
      throw new JavaProblem('java/lang/IllegalArgumentException', 'Argument is not an array')
    }
    return vm.rt.arrayLength(array)
  },
  *get(vm: Vm, array: Ref, index: number) {
    const letter = element(vm, array, index)
    const value = getElement(vm, array, index, letter)
    return letter === 'L' ? (value as Ref) : yield* box(vm, letter, value)
  },
  set: (vm: Vm, array: Ref, index: number, value: Ref) => {
    const letter = element(vm, array, index)
    if (letter !== 'L') {
      const unboxed = unbox(vm, value, letter)
      if (unboxed === null) throw mismatch()
      return setElement(vm, array, index, letter, unboxed)
    }
    const type = vm.heap.classOf(array).element
    if (value !== null && type && !vm.heap.classOf(value).isSubtypeOf(type)) {
      throw new JavaProblem('java/lang/IllegalArgumentException', 'array element type mismatch')
    }
    setElement(vm, array, index, letter, value)
  },
  newArray: (vm: Vm, mirror: Ref, length: number) => {
    const cls = vm.classes.ofMirror(mirror)
    if (cls.primitive === 'V') throw new JavaProblem('java/lang/IllegalArgumentException')
    if (length < 0) throw new JavaProblem('java/lang/NegativeArraySizeException', String(length))
    return vm.rt.newArray(vm.classes.arrayOf(cls).id, length)
  },
  multiNewArray: (vm: Vm, mirror: Ref, lengths: Ref) => {
    let cls = vm.classes.ofMirror(mirror)
    const dimensions = Array.from({ length: vm.rt.arrayLength(lengths) }, (_, i) => vm.rt.getI(lengths, i))
    if (dimensions.length === 0) throw new JavaProblem('java/lang/IllegalArgumentException', 'Empty dimensions array')
    for (const _ of dimensions) cls = vm.classes.arrayOf(cls)
    return vm.newMultiArray(cls, dimensions)
  },
})
