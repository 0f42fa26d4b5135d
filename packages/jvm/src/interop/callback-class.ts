/** The class whose objects stand for functions of the host: java.lang.reflect.Proxy hands them every call. */
export const CALLBACK_CLASS = 'doppel/Callback'

const [ACC_PUBLIC, ACC_FINAL, ACC_SUPER, ACC_NATIVE] = [1, 0x10, 0x20, 0x100]
/** Class file version of Java 8, and constant pool tags (JVMS §4.4). */
const MAJOR = 52
const [UTF8, CLASS, NAME_AND_TYPE, METHOD] = [1, 7, 12, 10]
const INVOKE = '(Ljava/lang/Object;Ljava/lang/reflect/Method;[Ljava/lang/Object;)Ljava/lang/Object;'

/** The class file: a field `id`, a constructor, and a native `invoke`. */
export function callbackClass(): Uint8Array {
  const pool: number[][] = []
  const add = (...entry: number[]): number => pool.push(entry)
  const u2 = (n: number): [number, number] => [n >> 8, n & 255]
  const text = (of: string): number => add(UTF8, ...u2(of.length), ...new TextEncoder().encode(of))
  const named = (name: string): number => add(CLASS, ...u2(text(name)))
  const [self, above, handler] = [
    named(CALLBACK_CLASS),
    named('java/lang/Object'),
    named('java/lang/reflect/InvocationHandler'),
  ]
  const [init, noArguments, code] = [text('<init>'), text('()V'), text('Code')]
  const superInit = add(METHOD, ...u2(above), ...u2(add(NAME_AND_TYPE, ...u2(init), ...u2(noArguments))))
  const [id, int, invoke, descriptor] = [text('id'), text('I'), text('invoke'), text(INVOKE)]
  // aload_0; invokespecial Object.<init>; return
  const body = [0x2a, 0xb7, ...u2(superInit), 0xb1]
  const attribute = [...u2(1), ...u2(1), 0, 0, ...u2(body.length), ...body, ...u2(0), ...u2(0)]
  const constructor = [...u2(ACC_PUBLIC), ...u2(init), ...u2(noArguments), ...u2(1)]
  const methods = [
    [...constructor, ...u2(code), 0, 0, ...u2(attribute.length), ...attribute],
    [...u2(ACC_PUBLIC | ACC_NATIVE), ...u2(invoke), ...u2(descriptor), ...u2(0)],
  ]
  const parts = [
    [0xca, 0xfe, 0xba, 0xbe, 0, 0, ...u2(MAJOR), ...u2(pool.length + 1), ...pool.flat()],
    [...u2(ACC_PUBLIC | ACC_FINAL | ACC_SUPER), ...u2(self), ...u2(above), ...u2(1), ...u2(handler)],
    [...u2(1), ...u2(ACC_PUBLIC), ...u2(id), ...u2(int), ...u2(0)],
    [...u2(methods.length), ...methods.flat(), ...u2(0)],
  ]
  return Uint8Array.from(parts.flat())
}
