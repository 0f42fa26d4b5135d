import { type Node, ref, Gc } from '@doppel/wasm'
import { methodModule } from './support-module.ts'
import { OBJ, type Signature, T, TABLE, valueTypeOf, VT, sharedArena } from '../translate/types.ts'
import type { Field } from './classes.ts'
import type { Vm } from './vm.ts'

/**
 * Code for `invokeBasic`, `linkToStatic` and their siblings at one erased signature (java.lang.invoke.MethodHandle):
 * the target is the code-table place that the MemberName carries.
 */
export function polymorphicThunk(vm: Vm, name: string, signature: Signature, place: number): void {
  const { module, types, functions } = methodModule()
  const { type } = types.signature(signature)
  const f = module.declare('thunk', type)
  const fn = module.build(f, sharedArena)
  const gc = new Gc(fn)
  const read = (className: string, fieldName: string, object: Node): Node => {
    const field = vm.classes.boot(className).findField(fieldName) as Field
    const layout = types.layout(field.owner.layout)
    const npe = functions.npe as { readonly index: number }
    const target = gc.nonNullOr(ref(T.object, false), object, types.nonNull, npe)
    return gc.structGet(layout, field.place, valueTypeOf(field.kind), gc.refCast(ref(layout, false), target))
  }
  const args = type.params.map((_, i) => fn.get(i))
  const [params, result] = signature.split(')') as [string, string]
  if (name === 'invokeBasic') {
    const form = read('java/lang/invoke/MethodHandle', 'form', fn.get(0))
    const entry = read('java/lang/invoke/LambdaForm', 'vmentry', form)
    fn.returnCallIndirect(types.signature(signature).index, TABLE.code, read(MEMBER_NAME, '$method', entry), args)
  } else {
    const member = type.params.length - 1
    const rest = args.slice(0, -1)
    const target = types.signature(`${params.slice(0, -1)})${result}`)
    const memberName = (): Node => fn.get(member)
    if (name !== 'linkToStatic' && name !== 'linkToSpecial') {
      fn.if(gc.refIsNull(fn.get(0)))
      fn.effect(fn.call(functions.npe as { index: number; type: typeof type }, []))
      fn.end()
    }
    let code: Node
    if (name === 'linkToVirtual') {
      const index = fn.let(read(MEMBER_NAME, '$index', memberName()))
      const chosen = fn.let(read(MEMBER_NAME, '$method', memberName()))
      fn.if(fn.op(GE_S, fn.get(index), fn.i32(0)))
      const record = gc.structGet(T.object, 0, ref(T.vt, false), fn.get(0))
      const methods = gc.structGet(T.vt, VT.methods, ref(T.ints, false), record)
      fn.set(chosen, gc.arrayGet(T.ints, valueTypeOf('I'), methods, fn.get(index)))
      fn.end()
      code = fn.get(chosen)
    } else if (name === 'linkToInterface') {
      code = fn.call(functions.lookup as { index: number; type: typeof type }, [
        fn.get(0),
        read(MEMBER_NAME, '$method', memberName()),
      ])
    } else code = read(MEMBER_NAME, '$method', memberName())
    fn.returnCallIndirect(target.index, TABLE.code, code, rest)
  }
  module.finish(fn)
  module.elements(TABLE.code, place, [f])
  vm.instantiate(module)
}

const MEMBER_NAME = 'java/lang/invoke/MemberName'
/** i32.ge_s. */
const GE_S = 0x4e

/** Code that calls a static adapter with the site’s arguments and, if there is one, an appendix (JVMS §6.5). */
export function appendixThunk(
  vm: Vm,
  signature: Signature,
  adapter: number,
  appendix: object | null,
  place: number,
): void {
  const { module, types } = methodModule()
  const { type } = types.signature(signature)
  const [params, result] = signature.split(')') as [string, string]
  const target = types.signature(appendix === null ? signature : `${params}L)${result}`)
  const f = module.declare('thunk', type)
  const fn = module.build(f, sharedArena)
  const args = type.params.map((_, i) => fn.get(i))
  if (appendix !== null) {
    args.push(new Gc(fn).tableGet(TABLE.refs, OBJ, fn.i32(vm.placeReference(appendix))))
  }
  fn.returnCallIndirect(target.index, TABLE.code, fn.i32(adapter), args)
  module.finish(fn)
  module.elements(TABLE.code, place, [f])
  vm.instantiate(module)
}
