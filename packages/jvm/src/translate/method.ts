import {
  analyseFlow,
  type Block,
  type FunctionBuilder,
  type FunctionRef,
  Gc,
  type Local,
  type ModuleBuilder,
  type Node,
  ref,
} from '@doppel/wasm'
import { readU2 } from '../class-file/bytes.ts'
import type { Kind } from '../class-file/descriptor.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { instructionLength } from '../opcodes.ts'
import { methodModule } from '../runtime/support-module.ts'
import type { Method } from '../runtime/classes.ts'
import type { Recording } from '../archive/recording.ts'
import type { Vm } from '../runtime/vm.ts'
import { basicBlocks, type BasicBlock, branchTargets, endsFlow } from './blocks.ts'
import './array-arms.ts'
import './control-arms.ts'
import './member-arms.ts'
import { Cluster } from './cluster.ts'
import { Frame, type ModuleContext } from './frame.ts'
import { classAt } from './resolved.ts'
import { ARMS } from './simple-arms.ts'
import type { MethodSource } from './source.ts'
import { type ModuleTypes, OBJ, TABLE, methodArena } from './types.ts'

/** A module, and those of its functions that stack traces must find their way in. */
export interface Translated {
  readonly module: ModuleBuilder
  readonly functions: readonly { readonly source: MethodSource; readonly fn: FunctionBuilder }[]
  readonly types: ModuleTypes
  /** What stands at the place that the module was made for. */
  readonly outer: FunctionRef
  readonly stubs: readonly SiteStub[]
}
/** What stands at a call site’s place until it is linked. */
export interface SiteStub {
  readonly place: number
  readonly stub: FunctionRef
}
/** How to translate: together with the methods it calls, or so that the code can be archived. */
export interface Manner {
  readonly invite?: Inviting | undefined
  readonly recording?: Recording | undefined
}

/** Who is translated along with a hot method: how to get a callee’s source; undefined for what stays outside. */
export type Inviting = (callee: Method) => MethodSource | undefined

/**
 * Translates a method, or a call site, into a module that puts it at `place` of the code table. With `invite`, the
 * methods it calls come into the same module.
 */
export function translate(vm: Vm, source: MethodSource, place: number, { invite, recording }: Manner = {}): Translated {
  const { module, types, functions, tag } = methodModule(recording !== undefined)
  const inner = module.declare(source.name, types.signature(source.signature).type)
  const outer = source.lock === undefined ? inner : module.declare('lock', inner.type)
  const root = source.method
  const declare = (callee: MethodSource): FunctionRef =>
    module.declare(callee.name, types.signature(callee.signature).type)
  // Without an invitation the cluster has one member, which may call itself.
  const cluster = root && new Cluster(source, source.entry ? undefined : outer, invite ?? (() => undefined), declare)
  const context: ModuleContext = {
    vm,
    module,
    types,
    functions,
    tag,
    cluster,
    hot: invite !== undefined,
    root: source.name,
    newSites: [],
    recording,
  }
  const made = [{ source, fn: build(context, source, inner) }]
  if (source.lock !== undefined) locked(context, source, inner, outer)
  for (let member = cluster?.next(); member; member = cluster?.next()) {
    made.push({ source: member.source, fn: build(context, member.source, member.ref) })
  }
  module.elements(TABLE.code, place, [outer])
  const stubs = context.newSites.map(
    ({ place: at, signature }): SiteStub => ({ place: at, stub: writeSiteStub(context, at, signature) }),
  )
  return { module, types, outer, functions: made, stubs }
}

/** Until a site is linked, its place in the code table links it and calls again. */
function writeSiteStub({ module, types, functions }: ModuleContext, place: number, signature: string): FunctionRef {
  const { index, type } = types.signature(signature)
  const stub = module.declare('', type)
  const fn = module.build(stub, methodArena)
  fn.effect(fn.call(functions.link as FunctionRef, [fn.i32(place)]))
  fn.returnCallIndirect(
    index,
    TABLE.code,
    fn.i32(place),
    type.params.map((_, i) => fn.get(i)),
  )
  module.finish(fn)
  module.elements(TABLE.code, place, [stub])
  return stub
}

/** Builds one function; where its flow has no structure, once more with every jump through one switch. */
function build(context: ModuleContext, source: MethodSource, ref: FunctionRef): FunctionBuilder {
  const blocks = basicBlocks(source.code, source.handlers)
  const { module, newSites } = context
  const known = newSites.length
  let fn = module.build(ref, methodArena)
  body(context, source, fn, blocks, false)
  if (analyseFlow(fn.blocks.map(successors)).irreducible.length > 0) {
    context.recording?.restart()
    context.vm.sites.forget(newSites.splice(known).map(site => site.place))
    fn = module.build(ref, methodArena)
    body(context, source, fn, blocks, true)
  }
  module.finish(fn)
  return fn
}

function successors(block: FunctionBuilder['blocks'][0]): Block[] {
  const { terminator: t, guard } = block
  const to = guard ? [guard.target] : []
  switch (t?.kind) {
    case 'jump':
      return [t.to, ...to]
    case 'branch':
      return [t.taken, t.otherwise, ...to]
    case 'switch':
      return [...t.targets, t.fallback, ...to]
    default:
      return to
  }
}

function body(
  context: ModuleContext,
  source: MethodSource,
  fn: FunctionBuilder,
  blocks: ReadonlyMap<number, BasicBlock>,
  routed: boolean,
): void {
  const frame = new Frame(context, source, fn, blocks)
  if (routed) frame.route()
  if (source.entry) source.entry.variables.forEach(({ index, kind }, i) => frame.stack.bindVariable(index, kind, i))
  else {
    let slot = 0
    for (const [i, kind] of (source.signature.split(')')[0] as string).split('').entries()) {
      frame.stack.bindVariable(slot, kind as Kind, i)
      slot += kind === 'J' || kind === 'D' ? 2 : 1
    }
  }
  const { calls, loops, readsFields, assignsReceiver } = survey(source)
  frame.loops = loops
  if (calls && source.method) frame.enter(source.maxLocals + 8)
  if (calls && !source.entry && (frame.isRoot || loops)) frame.count()
  if (source.hasReceiver && !assignsReceiver && readsFields && !source.cls.isInterface) {
    const type = context.types.layout(source.cls.layout)
    frame.receiver = fn.local(ref(type))
    fn.set(frame.receiver, new Gc(fn).refCast(ref(type, false), fn.get(0)))
  }
  if (assignsReceiver) Object.assign(frame.source, { hasReceiver: false })
  frame.begin()
  for (;;) {
    const start = frame.pending.shift()
    if (start !== undefined) block(frame, blocks.get(start) as BasicBlock)
    else if (!frame.writeDispatchers()) break
  }
  frame.finishRouting()
}

/** What a method does, at a glance over its instructions. */
interface Survey {
  calls: boolean
  loops: boolean
  readsFields: boolean
  assignsReceiver: boolean
}
function survey(source: MethodSource): Survey {
  let [calls, loops, readsFields, assignsReceiver] = [false, false, false, false]
  const { code } = source
  for (let at = 0; at < code.length; at += instructionLength(code, at)) {
    const op = code[at] as number
    if (op >= 0xb6 && op <= 0xba) calls = true
    else if (op === 0xb4 || op === 0xb5) readsFields = true
    else if (branchTargets(code, at)?.some(to => to <= at)) loops = true
    else if (op === 0x4b || (op === 0x3a && code[at + 1] === 0)) assignsReceiver = true
    else if (op === 0xc4 && code[at + 1] === 0x3a && readU2(code, at + 2) === 0) assignsReceiver = true
  }
  return { calls, loops, readsFields, assignsReceiver }
}

function block(frame: Frame, { start, end, handlers }: BasicBlock): void {
  const { fn, stack, source } = frame
  const { code } = source
  fn.at(frame.blockAt(start, []))
  frame.guard(handlers, caughtBy)
  stack.enter(frame.entryKinds.get(start) as readonly Kind[])
  for (let at = start; at < end; at += instructionLength(code, at)) {
    const op = code[at] as number
    frame.at = at
    const translateOne = ARMS[op]
    if (!translateOne) throw new JavaProblem('java/lang/VerifyError', `Instruction ${op} at ${at} cannot be translated`)
    translateOne(frame, code, op)
    if (fn.closed || endsFlow(op)) return
    stack.endInstruction()
  }
  if (end >= code.length) throw new JavaProblem('java/lang/VerifyError', 'Falling off the end of the code')
  stack.flush()
  fn.jump(frame.target(end))
  frame.settleEdges()
}

/** Whether a handler’s class takes the exception; a class that is not loaded yet is asked for through a call site. */
function caughtBy(frame: Frame, type: number, exception: Local): Node {
  const cls = classAt(frame, type)
  if (cls) return frame.isInstance(exception, cls)
  const name = (frame.cls.file as ClassFile).pool.className(type)
  if (name === 'java/lang/Throwable') return frame.fn.i32(1)
  const instruction = Uint8Array.of(0xc1, type >> 8, type & 255)
  const { place, isNew } = frame.vm.sites.place(frame.cls, instruction, 'L)I', '')
  frame.context.recording?.sites.push(place)
  if (isNew) frame.context.newSites.push({ place, signature: 'L)I' })
  const { index, type: functionType } = frame.context.types.signature('L)I')
  return frame.fn.callIndirect(index, functionType, TABLE.code, frame.fn.i32(place), [frame.fn.get(exception)])
}

/** A synchronized method (JVMS §2.11.10): the lock is let go however the body ends. */
function locked(context: ModuleContext, source: MethodSource, inner: FunctionRef, outer: FunctionRef): void {
  const { module, functions, tag } = context
  const fn = module.build(outer, methodArena)
  const gc = new Gc(fn)
  const target = (): Node =>
    source.lock === 'receiver' ? fn.get(0) : gc.tableGet(TABLE.refs, OBJ, fn.i32(source.lock as number))
  const exception = fn.local(OBJ)
  const [run, failed, done] = [fn.block(), fn.block(), fn.block()]
  fn.effect(fn.call(functions.monitorEnter as FunctionRef, [target()]))
  fn.jump(run)
  fn.at(run)
  fn.guard({ target: failed, tag, into: exception })
  const result = fn.call(
    inner,
    inner.type.params.map((_, i) => fn.get(i)),
  )
  const value = inner.type.results.length > 0 ? fn.let(result) : undefined
  if (value === undefined) fn.effect(result)
  fn.jump(done)
  fn.at(done)
  fn.effect(fn.call(functions.monitorExit as FunctionRef, [target()]))
  if (value === undefined) fn.return()
  else fn.return(fn.get(value))
  fn.at(failed)
  fn.effect(fn.call(functions.monitorExit as FunctionRef, [target()]))
  gc.throw(tag, [fn.get(exception)])
  module.finish(fn)
}
