import { readU2 } from '../class-file/bytes.ts'
import { findAttribute } from '../class-file/parse.ts'
import type { JavaClass } from '../runtime/classes.ts'

/** TypeTag (JDWP): class 1, interface 2, array 3. */
export function typeTag(cls: JavaClass): number {
  return cls.isArray ? 3 : cls.isInterface ? 2 : 1
}
/** A class’s descriptor. */
export function signatureOfClass(cls: JavaClass): string {
  return cls.isArray ? cls.name : (cls.primitive ?? `L${cls.name};`)
}
/** ClassStatus (JDWP): verified 1, prepared 2, initialized 4, error 8. */
export function statusOf(cls: JavaClass): number {
  if (cls.isArray || cls.ready) return 7
  if (cls.state === 'erroneous') return 8
  return cls.state === 'loaded' ? 0 : 3
}
/** The name of a class’s source file, when it is known. */
export function sourceOf({ file }: JavaClass): string | undefined {
  const attribute = file && findAttribute(file.attributes, 'SourceFile')
  return attribute && file.pool.utf8(readU2(file.bytes, attribute.start))
}
