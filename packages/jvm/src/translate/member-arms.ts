import { type Local, type Node, Op, ref } from '@doppel/wasm'
import { readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import {
  type FieldKind,
  type Kind,
  kindOf,
  parseMethodDescriptor,
  type MethodDescriptor,
} from '../class-file/descriptor.ts'
import { ACC_ABSTRACT, ACC_INTERFACE } from '../class-file/access.ts'
import { USE } from '../archive/recording.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { type Method, signatureOf } from '../runtime/classes.ts'
import { polymorphicKind } from '../runtime/polymorphic.ts'
import type { ResolvedConstant } from '../runtime/vm.ts'
import { indirect, selectedCall } from './dispatch.ts'
import type { Frame } from './frame.ts'
import { calleeOf, callMember } from './inline.ts'
import { INTRINSICS } from './intrinsics.ts'
import type { Entry } from './operand-stack.ts'
import { arm } from './simple-arms.ts'
import { classAt, fieldAt, methodAt } from './resolved.ts'
import { siteFor } from './sites.ts'
import { fieldKinds, OBJ, T, TABLE, valueTypeOf, VT_REF, zeroOf } from './types.ts'

/** Methods that do more than their code: synchronized, native, abstract. */
const EAGER = 0x0020 | 0x0100 | 0x0400

const poolOf = (f: Frame): ClassFile['pool'] => (f.cls.file as ClassFile).pool

/** A store into a field narrower than int keeps what fits (JVMS §6.5 putfield). */
function narrowed(f: Frame, descriptor: string, value: Node): Node {
  switch (descriptor) {
    case 'B':
      return f.fn.op(Op.i32Extend8S, value)
    case 'S':
      return f.fn.op(Op.i32Extend16S, value)
    case 'C':
      return f.fn.op(Op.i32And, value, f.fn.i32(0xffff))
    case 'Z':
      return f.fn.op(Op.i32And, value, f.fn.i32(1))
    default:
      return value
  }
}

const LOADS: Readonly<Record<string, number>> = { I: Op.i32Load, J: Op.i64Load, F: Op.f32Load, D: Op.f64Load }
const STORES: Readonly<Record<string, number>> = { I: Op.i32Store, J: Op.i64Store, F: Op.f32Store, D: Op.f64Store }

arm(0xb2, 0xb3, (f, code, op) => {
  const index = readU2(code, f.at + 1)
  const field = fieldAt(f, index, true)
  const kind = kindOf(poolOf(f).member(index).descriptor)
  f.mark()
  if (!field) {
    if (op === 0xb2) return f.stack.pushValue(kind, siteFor(f, `)${kind}`, code)([]))
    return f.fn.effect(siteFor(f, `${kind})V`, code)([f.stack.use(f.stack.pop())]))
  }
  const value = op === 0xb3 ? f.stack.pop() : undefined
  f.initialize(field.owner)
  const { fn, gc, stack } = f
  if (value === undefined) {
    const place = fn.i32(kind === 'L' ? field.place : 0)
    const read = kind === 'L' ? gc.tableGet(TABLE.refs, OBJ, place) : fn.load(LOADS[kind] as number, place, field.place)
    return stack.pushValue(kind, read)
  }
  const stored = narrowed(f, field.descriptor, stack.use(value))
  if (kind === 'L') gc.tableSet(TABLE.refs, fn.i32(field.place), stored)
  else fn.store(STORES[kind] as number, fn.i32(0), stored, field.place)
})

arm(0xb4, 0xb5, (f, code, op) => {
  const index = readU2(code, f.at + 1)
  const field = fieldAt(f, index, false)
  const kind = kindOf(poolOf(f).member(index).descriptor)
  const { gc, stack } = f
  const value = op === 0xb5 ? stack.pop() : undefined
  const object = stack.pop()
  stack.hold(object)
  f.mark()
  if (!field) {
    if (value === undefined) return stack.pushValue(kind, siteFor(f, `L)${kind}`, code)([stack.use(object)]))
    return f.fn.effect(siteFor(f, `L${kind})V`, code)([stack.use(object), stack.use(value)]))
  }
  const type = f.context.types.layout(field.owner.layout)
  const isReceiver = f.receiver !== undefined && object.local === stack.variable(0, 'L')
  const throughReceiver = isReceiver && f.cls.isSubtypeOf(field.owner)
  const target = throughReceiver ? f.fn.get(f.receiver as number) : f.nonNull(type, object)
  const isReferent = field.name === 'referent' && field.owner.name === 'java/lang/ref/Reference'
  if (value === undefined) {
    stack.pushValue(kind, gc.structGet(type, field.place, valueTypeOf(kind), target))
    if (isReferent) readReferent(f, object)
    if (field.name === 'depth' && field.owner.name === 'java/lang/Throwable') readDepth(f, object)
    return
  }
  gc.structSet(type, field.place, target, narrowed(f, field.descriptor, stack.use(value)))
  if (isReferent) f.fn.effect(f.support('madeReference', stack.use(object)))
})

/** A reference whose field is null may be one whose referent the host holds. */
function readReferent(f: Frame, reference: Entry): void {
  const { fn, stack } = f
  const result = stack.hold(stack.entries[stack.depth - 1] as Entry)
  fn.if(f.gc.refIsNull(fn.get(result)), 'unlikely')
  fn.set(result, f.support('referent', stack.use(reference)))
  fn.end()
}

/** How deep an exception’s stack is, is found out when it is asked for. */
function readDepth(f: Frame, throwable: Entry): void {
  const { fn, stack } = f
  const result = stack.hold(stack.entries[stack.depth - 1] as Entry)
  fn.if(fn.op(Op.i32LtS, fn.get(result), fn.i32(0)), 'unlikely')
  fn.set(result, f.support('traceDepth', stack.use(throwable)))
  fn.end()
}

// Constants

arm(0x12, 0x14, (f, code, op) => {
  const index = op === 0x12 ? (code[f.at + 1] as number) : readU2(code, f.at + 1)
  const pool = poolOf(f)
  const { fn, gc, stack, vm } = f
  const constant = (place: number): Node => gc.tableGet(TABLE.refs, OBJ, fn.i32(place))
  switch (pool.tag(index)) {
    case Tag.integer:
      return stack.pushNode('I', fn.i32(pool.int(index)))
    case Tag.float:
      return stack.pushNode('F', fn.f32Bits(pool.floatBits(index)))
    case Tag.long: {
      const [high, low] = pool.words(index)
      return stack.pushNode('J', fn.i64(low, high))
    }
    case Tag.double: {
      const [high, low] = pool.words(index)
      return stack.pushNode('D', fn.f64Bits(low, high))
    }
    case Tag.string:
      return stack.pushNode('L', constant(stringAt(f, pool.named(index, Tag.string))), [], true)
    case Tag.class: {
      const cls = classAt(f, index)
      if (cls) f.context.recording?.uses(cls, USE.mirror)
      if (cls) return stack.pushNode('L', constant(vm.mirrors.placeOf(cls)), [], true)
    }
  }
  const known = f.cls.resolved[index] as ResolvedConstant | undefined
  // Where a constant that was computed stands is for this machine only.
  if (known?.isConstant && !f.context.recording) {
    f.mark()
    return stack.pushValue(known.kind, vm.constants.read(f, known))
  }
  const kind = pool.tag(index) === Tag.dynamic ? kindOf(pool.dynamic(index).descriptor) : 'L'
  f.mark()
  stack.pushValue(kind, siteFor(f, `)${kind}`, code)([]))
})

// Objects

function stringAt(f: Frame, text: string): number {
  const place = f.vm.stringPlace(text)
  f.context.recording?.strings.push([text, place])
  return place
}

arm(0xbb, 0xbb, (f, code) => {
  const cls = classAt(f, readU2(code, f.at + 1))
  f.mark()
  if (!cls || cls.access & (ACC_ABSTRACT | ACC_INTERFACE) || cls.name === 'java/lang/Class') {
    return f.stack.pushValue('L', siteFor(f, ')L', code)([]), true)
  }
  f.initialize(cls)
  const { fn, gc, context } = f
  const zeros = fieldKinds(cls.layout)
    .split('')
    .map(kind => zeroOf(f.fn, f.gc, kind as FieldKind))
  const record = gc.refAsNonNull(VT_REF, gc.tableGet(TABLE.records, ref(T.vt), fn.i32(cls.id)))
  const type = context.types.layout(cls.layout)
  f.stack.pushValue('L', gc.structNew(type, OBJ, [record, fn.i32(0), fn.i32(0), ...zeros]), true)
})
arm(0xc0, 0xc0, (f, code) => {
  const cls = classAt(f, readU2(code, f.at + 1))
  const { fn, gc, stack } = f
  const entry = stack.pop()
  f.mark()
  if (!cls) return stack.pushValue('L', siteFor(f, 'L)L', code)([stack.use(entry)]), entry.nonNull)
  const value = stack.hold(entry)
  if (cls.id !== f.vm.objectClassId) {
    fn.if(fn.op(Op.i32Eqz, gc.refIsNull(fn.get(value))))
    fn.if(fn.op(Op.i32Eqz, f.isInstance(value, cls)), 'unlikely')
    fn.effect(f.support('classCast', fn.get(value), fn.i32(cls.id)))
    fn.end()
    fn.end()
  }
  stack.entries.push(entry)
})
arm(0xc1, 0xc1, (f, code) => {
  const cls = classAt(f, readU2(code, f.at + 1))
  const entry = f.stack.pop()
  f.mark()
  if (!cls) return f.stack.pushValue('I', siteFor(f, 'L)I', code)([f.stack.use(entry)]))
  const value = f.stack.hold(entry)
  if (cls.id === f.vm.objectClassId) {
    return f.stack.pushValue('I', f.fn.op(Op.i32Eqz, f.gc.refIsNull(f.fn.get(value))))
  }
  f.stack.pushValue('I', f.isInstance(value, cls))
})

// Calls

arm(0xb6, 0xb9, (f, code, op) => {
  const index = readU2(code, f.at + 1)
  const member = poolOf(f).member(index)
  const descriptor = parseMethodDescriptor(member.descriptor) as MethodDescriptor
  const isStatic = op === 0xb8
  const args = f.stack.popMany(descriptor.kinds.length + (isStatic ? 0 : 1))
  const signature = signatureOf(descriptor, isStatic)
  f.mark()
  const result = call(f, code, op, index, args, signature, member.owner, member.name)
  finishCall(f, descriptor.resultKind, result)
})
function finishCall(f: Frame, kind: Kind | 'V', result: Node): void {
  if (kind === 'V') f.fn.effect(result)
  else f.stack.pushValue(kind, result)
  f.afterCall()
}

function call(
  f: Frame,
  code: Uint8Array,
  op: number,
  index: number,
  args: readonly Entry[],
  signature: string,
  owner: string,
  name: string,
): Node {
  const { stack, vm } = f
  const unresolved = (): Node => siteFor(f, signature, code)(args.map(e => stack.use(e)))
  const polymorphic = polymorphicKind(owner, name)
  if (polymorphic === 'linked') return unresolved()
  if (polymorphic === 'intrinsic') {
    const { place, isNew } = vm.sites.polymorphic(name, signature)
    f.context.recording?.polymorphic.push(place)
    if (isNew) f.context.newSites.push({ place, signature })
    return indirect(
      f,
      signature,
      f.fn.i32(place),
      args.map(e => stack.use(e)),
    )
  }
  const method = methodAt(f, index)
  if (!method || method.isStatic !== (op === 0xb8)) return unresolved()
  if (op === 0xb8) {
    f.initialize(method.owner)
    return direct(f, method, args)
  }
  if (op === 0xb7) return special(f, method, args, unresolved)
  if (method.isFixed) return direct(f, method, args)
  const receiver = args[0] as Entry
  const [head, ...rest] = [f.stack.hold(receiver), ...args.slice(1)] as [number, ...Entry[]]
  const { fn } = f
  if (!stack.isNonNull(receiver)) {
    fn.if(f.gc.refIsNull(fn.get(head)), 'unlikely')
    fn.effect(f.support('npe'))
    fn.unreachable()
    fn.end()
    stack.markNonNull(receiver)
  }
  return selectedCall(f, method, head, rest)
}

/** invokespecial: the method itself, or the one that the direct superclass has (JVMS §6.5). */
function special(f: Frame, resolved: Method, args: readonly Entry[], unresolved: () => Node): Node {
  let method = resolved
  const from = f.cls
  if (
    resolved.name !== '<init>' &&
    !resolved.owner.isInterface &&
    from !== resolved.owner &&
    from.isSubtypeOf(resolved.owner)
  ) {
    const selected = from.superclass?.findMethod(resolved.name, resolved.info.descriptor)
    if (!selected) return unresolved()
    method = selected
  }
  return direct(f, method, args)
}

function isEmpty(method: Method): boolean {
  return method.descriptor.resultKind === 'V' && (method.access & EAGER) === 0 && method.code?.bytes[0] === 0xb1
}

function direct(f: Frame, method: Method, args: readonly Entry[]): Node {
  const intrinsic = INTRINSICS.get(`${method.owner.name}.${method.name}${method.info.descriptor}`)
  const values = args.map((e, i) => (i === 0 && !method.isStatic ? f.nonNull(T.object, e) : f.stack.use(e)))
  if (intrinsic) return intrinsic(f, values)
  // A method that only returns, such as Object's constructor; its receiver has been found not to be null.
  if (isEmpty(method)) {
    for (const value of values) f.fn.effect(value)
    return f.fn.i32(0)
  }
  f.vm.linker.link(method.owner)
  f.context.recording?.uses(method.owner, USE.linked)
  const callee = calleeOf(f, method)
  if (callee && !('inlined' in callee) && method === f.context.cluster?.root) f.beforeOutside()
  if (callee) return callMember(f, callee, values, sharedReceiver(f, method, args))
  return indirect(f, method.signature, f.fn.i32(method.id), values)
}

/** The caller’s receiver, cast to its class already, when the callee’s is the same. */
function sharedReceiver(f: Frame, method: Method, args: readonly Entry[]): Local | undefined {
  if (method.isStatic || f.receiver === undefined || !f.cls.isSubtypeOf(method.owner)) return undefined
  return args[0]?.local === f.stack.variable(0, 'L') ? f.receiver : undefined
}

arm(0xba, 0xba, (f, code) => {
  const { descriptor: text } = poolOf(f).dynamic(readU2(code, f.at + 1))
  const descriptor = parseMethodDescriptor(text) as MethodDescriptor
  const args = f.stack.popMany(descriptor.kinds.length)
  f.mark()
  f.beforeOutside()
  finishCall(f, descriptor.resultKind, siteFor(f, signatureOf(descriptor, true), code)(args.map(e => f.stack.use(e))))
})
