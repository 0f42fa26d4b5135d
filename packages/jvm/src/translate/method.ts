import {
  analyseFlow,
  type FunctionBuilder,
  type FunctionRef,
  Gc,
  I32,
  type Local,
  ModuleBuilder,
  type Node,
  ref,
} from '@doppel/wasm'
import { readU2 } from '../class-file/bytes.ts'
import type { Kind } from '../class-file/descriptor.ts'
import type { ClassFile } from '../class-file/parse.ts'
import { JavaProblem } from '../problem.ts'
import { instructionLength } from '../opcodes.ts'
import { importSupport } from '../runtime/support-module.ts'
import type { Vm } from '../runtime/vm.ts'
import { basicBlocks, type BasicBlock, endsFlow } from './blocks.ts'
import './array-arms.ts'
import './control-arms.ts'
import './member-arms.ts'
import { Frame, type ModuleContext } from './frame.ts'
import { ARMS } from './simple-arms.ts'
import type { MethodSource } from './source.ts'
import { ModuleTypes, OBJ, TABLE, methodArena } from './types.ts'

/** A translated function of a module: which code table entry it is for, and its marks after encoding. */
export interface Translated {
  readonly module: ModuleBuilder
  readonly fn: FunctionBuilder
}

/** Translates one method, or one call site, into a module that puts it at `place` of the code table. */
export function translate(vm: Vm, source: MethodSource, place: number): Translated {
  const blocks = basicBlocks(source.code, source.handlers)
  return attempt(vm, source, place, blocks, false) ?? (attempt(vm, source, place, blocks, true) as Translated)
}

function attempt(
  vm: Vm,
  source: MethodSource,
  place: number,
  blocks: ReadonlyMap<number, BasicBlock>,
  routed: boolean,
): Translated | undefined {
  const module = new ModuleBuilder()
  const types = new ModuleTypes(module)
  const { functions, depth, tag } = importSupport(module, types)
  const fuel = module.global(I32, true, 20_000)
  const { type } = types.signature(source.signature)
  const inner = module.declare(source.name, type)
  const recursive = source.lock === undefined && source.name === `m${place}`
  const self = recursive ? { method: place, ref: inner } : undefined
  const context: ModuleContext = { vm, module, types, functions, depth, tag, fuel, self, newSites: [] }
  const outer = source.lock === undefined ? inner : module.declare('lock', type)
  const fn = module.build(inner, methodArena)
  body(context, source, fn, blocks, routed)
  const successors = fn.blocks.map(b => {
    const t = b.terminator
    const to =
      !t || t.kind === 'end'
        ? []
        : t.kind === 'jump'
          ? [t.to]
          : t.kind === 'branch'
            ? [t.taken, t.otherwise]
            : [...t.targets, t.fallback]
    return b.guard ? [...to, b.guard.target] : to
  })
  if (!routed && analyseFlow(successors).irreducible.length > 0) {
    vm.sites.forget(context.newSites.map(site => site.place))
    return undefined
  }
  module.finish(fn)
  if (source.lock !== undefined) locked(context, source, inner, outer)
  module.elements(TABLE.code, place, [outer])
  for (const site of context.newSites) {
    const { index: siteIndex, type: siteType } = types.signature(site.signature)
    const stub = module.declare('', siteType)
    const stubFn = module.build(stub, methodArena)
    stubFn.effect(stubFn.call(functions.link as FunctionRef, [stubFn.i32(site.place)]))
    stubFn.returnCallIndirect(
      siteIndex,
      TABLE.code,
      stubFn.i32(site.place),
      siteType.params.map((_, i) => stubFn.get(i)),
    )
    module.finish(stubFn)
    module.elements(TABLE.code, site.place, [stub])
  }
  return { module, fn }
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
  const kinds = (source.signature.split(')')[0] as string).split('') as Kind[]
  let slot = 0
  kinds.forEach((kind, i) => {
    frame.stack.bindVariable(slot, kind, i)
    slot += kind === 'J' || kind === 'D' ? 2 : 1
  })
  const { calls, readsFields, assignsReceiver } = survey(source)
  if (calls && !source.name.startsWith('s')) frame.enter(source.maxLocals + 8)
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
function survey(source: MethodSource): { calls: boolean; readsFields: boolean; assignsReceiver: boolean } {
  let [calls, readsFields, assignsReceiver] = [false, false, false]
  const { code } = source
  for (let at = 0; at < code.length; at += instructionLength(code, at)) {
    const op = code[at] as number
    if (op >= 0xb6 && op <= 0xba) calls = true
    else if (op === 0xb4 || op === 0xb5) readsFields = true
    else if (op === 0x4b || (op === 0x3a && code[at + 1] === 0)) assignsReceiver = true
    else if (op === 0xc4 && code[at + 1] === 0x3a && readU2(code, at + 2) === 0) assignsReceiver = true
  }
  return { calls, readsFields, assignsReceiver }
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
  const cls = frame.vm.resolver.peekClass(frame.cls, type)
  if (cls) return frame.isInstance(exception, cls)
  const name = (frame.cls.file as ClassFile).pool.className(type)
  if (name === 'java/lang/Throwable') return frame.fn.i32(1)
  const instruction = Uint8Array.of(0xc1, type >> 8, type & 255)
  const { place, isNew } = frame.vm.sites.place(frame.cls, instruction, 'L)I', '')
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
