import { JavaProblem } from '../problem.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { branchTargets, switchTable } from '../translate/blocks.ts'
import { infer, NeedsClass } from './infer.ts'
import { instructionStarts } from './instructions.ts'
import { MethodCheck } from './method-check.ts'
import { typeCheck } from './type-check.ts'
import { classType, nameOf, THROWABLE } from './types.ts'
import { verifyError } from './verify-error.ts'

/** Files from this version on carry StackMapTables; those of this very version may still be inferred (JVMS §4.10). */
const MAJOR_6 = 50
const MAJOR_7 = 51

/** Verifies a class and those above it (JVMS §4.10, §5.4.1). Throws VerifyError, or what loading a class throws. */
export function* verifyClass(vm: Vm, cls: JavaClass): Work<void> {
  if (cls.verified) return
  if (cls.superclass) yield* verifyClass(vm, cls.superclass)
  if (!isTrusted(vm, cls)) for (const method of cls.methods) yield* verifyMethod(vm, cls, method)
  cls.verified = true
}

/** The library is not verified, as OpenJDK does not verify what the bootstrap loader loads. */
function isTrusted(vm: Vm, cls: JavaClass): boolean {
  const { file, loader } = cls
  if (!file || loader.object === null) return true
  for (let c: JavaClass | undefined = cls; c; c = c.superclass) {
    if (c.name === 'jdk/internal/reflect/MagicAccessorImpl') return true
  }
  const known = vm.library.findClass(file.name)
  return known?.length === file.bytes.length && known.every((byte, i) => byte === file.bytes[i])
}

function* verifyMethod(vm: Vm, cls: JavaClass, method: Method): Work<void> {
  const { file } = cls
  const source = method.code
  if (!file || !source) return
  const check = (): MethodCheck => {
    const m = new MethodCheck(cls, file, method, source)
    for (const { type } of source.handlers) if (type !== 0) m.ask(classType(file.pool.className(type)), THROWABLE)
    return m
  }
  const m = check()
  const starts = instructionStarts(m.code)
  if (!starts) throw verifyError('Bad instruction', m.where)
  for (const at of starts) {
    const isSwitch = m.code[at] === 0xaa || m.code[at] === 0xab
    if (isSwitch && file.major < MAJOR_7 && m.code.subarray(at + 1, (at + 4) & ~3).some(byte => byte !== 0)) {
      throw verifyError('Nonzero padding byte in lookupswitch or tableswitch', m.where, at)
    }
    if (m.code[at] === 0xab && !isSorted(m.code, at)) throw verifyError('Bad lookupswitch instruction', m.where, at)
    for (const to of branchTargets(m.code, at) ?? []) {
      if (!starts.has(to)) throw verifyError('Illegal target of jump or branch', m.where, at)
    }
  }
  for (const { start, end, target } of source.handlers) {
    if (!starts.has(start) || (end !== m.code.length && !starts.has(end)) || !starts.has(target)) {
      throw new JavaProblem('java/lang/ClassFormatError', `Illegal exception table range in method ${m.where}`)
    }
  }
  if (file.major >= MAJOR_6) {
    try {
      return yield* settled(vm, m, () => typeCheck(m, starts))
    } catch (error) {
      const mayInfer = file.major === MAJOR_6 && error instanceof JavaProblem
      if (!mayInfer || error.className !== 'java/lang/VerifyError') throw error
    }
  }
  yield* inferred(vm, check)
}

/** The keys of a lookupswitch rise (JVMS §4.9.1). */
function isSorted(code: Uint8Array, at: number): boolean {
  const keys = switchTable(code, at).targets.map(([key]) => key)
  return keys.every((key, i) => i === 0 || key > (keys[i - 1] as number))
}

/** Infers, loading classes as they are needed. */
function* inferred(vm: Vm, check: () => MethodCheck): Work<void> {
  for (;;) {
    const m = check()
    try {
      const find = (name: string): JavaClass | undefined =>
        name === m.file.name ? m.cls : vm.classes.peek(name, m.cls.loader)
      return yield* settled(vm, m, () => infer(m, find))
    } catch (error) {
      if (!(error instanceof NeedsClass)) throw error
      yield* vm.linker.loadFor(error.className, m.cls.loader)
    }
  }
}

/** Checks, then answers what the check left open; of two errors the earlier one counts. */
function* settled(vm: Vm, m: MethodCheck, check: () => void): Work<void> {
  try {
    check()
  } catch (error) {
    if (error instanceof JavaProblem) yield* answer(vm, m)
    throw error
  }
  yield* answer(vm, m)
}

/** Settles what the check left open, by loading the classes (JVMS §4.10.1.2, isJavaAssignable). */
function* answer(vm: Vm, m: MethodCheck): Work<void> {
  const load = function* (name: string): Work<JavaClass> {
    return name === m.file.name ? m.cls : yield* vm.linker.loadFor(name, m.cls.loader)
  }
  for (const [from, to, at] of m.questions) {
    const target = yield* load(nameOf(to))
    if (target.isInterface) continue
    const source = yield* load(nameOf(from))
    if (!source.isSubtypeOf(target)) throw verifyError(`Bad type: ${from} is not assignable to ${to}`, m.where, at)
  }
}
