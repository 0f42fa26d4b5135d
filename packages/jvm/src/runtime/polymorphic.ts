/** VarHandle’s access modes and MethodHandle’s invokers: signature-polymorphic methods (JVMS §2.9.3). */
const VAR_HANDLE =
  /^(get|set)(Volatile|Opaque|Acquire|Release)?$|^(weakC|c)ompareAnd(Set|Exchange)(Plain|Acquire|Release)?$|^getAnd(Set|Add|Bitwise(Or|And|Xor))(Acquire|Release)?$/

/**
 * How a call of a signature-polymorphic method is done: `linked` by the library at its call site, `intrinsic` by the
 * machine; undefined for ordinary methods.
 */
export function polymorphicKind(owner: string, name: string): 'linked' | 'intrinsic' | undefined {
  if (owner === 'java/lang/invoke/MethodHandle') {
    if (name === 'invoke' || name === 'invokeExact') return 'linked'
    if (name === 'invokeBasic' || name === 'linkToStatic' || name === 'linkToVirtual') return 'intrinsic'
    if (name === 'linkToSpecial' || name === 'linkToInterface') return 'intrinsic'
  }
  return owner === 'java/lang/invoke/VarHandle' && VAR_HANDLE.test(name) ? 'linked' : undefined
}
