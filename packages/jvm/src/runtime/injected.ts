import { ACC_PRIVATE, ACC_SYNTHETIC } from '../class-file/access.ts'
import type { MemberInfo } from '../class-file/parse.ts'
import type { JavaClass } from './classes.ts'

/** Fields that the machine adds to classes of the library, to find its own records from guest objects. */
const INJECTED: Readonly<Record<string, readonly string[]>> = {
  'java/lang/Class': ['$class'],
  'java/lang/ClassLoader': ['$loader'],
  'java/lang/Thread': ['$thread'],
  'java/lang/invoke/MemberName': ['$method', '$index'],
  'java/lang/ref/Reference': ['$weak'],
  'java/lang/Throwable': ['$trace'],
}
/** Those that hold a value of the host instead of a number. */
const HOST_VALUES: ReadonlySet<string> = new Set(['$trace'])

const INJECTED_NAMES: ReadonlySet<string> = new Set(Object.values(INJECTED).flat())

/** The fields added to a class; all are ints, or the host’s (`X`). */
export function injectedFields(cls: JavaClass): MemberInfo[] {
  if (cls.loader.object !== null) return []
  return (INJECTED[cls.name] ?? []).map(name => ({
    access: ACC_PRIVATE | ACC_SYNTHETIC,
    name,
    descriptor: HOST_VALUES.has(name) ? 'X' : 'I',
    attributes: [],
  }))
}

/** True for a field that the guest must not see. */
export function isInjected(name: string): boolean {
  return INJECTED_NAMES.has(name)
}
