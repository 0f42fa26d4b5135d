import {
  analyseFlow,
  type Block,
  type FunctionBuilder,
  type FunctionRef,
  Gc,
  type ModuleBuilder,
  type Node,
} from '@doppel/wasm'
import { methodModule } from '../runtime/support-module.ts'
import type { Method } from '../runtime/classes.ts'
import type { Recording } from '../archive/recording.ts'
import type { Vm } from '../runtime/vm.ts'
import { basicBlocks } from './blocks.ts'
import { survey, writeBody } from './body.ts'
import './array-arms.ts'
import './control-arms.ts'
import './member-arms.ts'
import { Cluster } from './cluster.ts'
import { Frame, type InlinedMark, type ModuleContext } from './frame.ts'
import type { MethodSource } from './source.ts'
import { type ModuleTypes, OBJ, TABLE, methodArena } from './types.ts'

/** A function, and the calls that were inlined into it. */
export interface TranslatedFunction {
  readonly source: MethodSource
  readonly fn: FunctionBuilder
  readonly inlined: readonly InlinedMark[]
}
/** A module, and those of its functions that stack traces must find their way in. */
export interface Translated {
  readonly module: ModuleBuilder
  readonly functions: readonly TranslatedFunction[]
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
  const debug = source.method !== undefined && vm.debug?.covers(source.method.owner) === true
  const { module, types, functions, tag } = methodModule(recording !== undefined, debug)
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
    debug,
    root: source.name,
    newSites: [],
    recording,
  }
  const made = [build(context, source, inner)]
  if (source.lock !== undefined) locked(context, source, inner, outer)
  for (let member = cluster?.next(); member; member = cluster?.next()) {
    made.push(build(context, member.source, member.ref))
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
function build(context: ModuleContext, source: MethodSource, ref: FunctionRef): TranslatedFunction {
  const blocks = basicBlocks(source.code, source.handlers)
  const { module, newSites } = context
  const known = newSites.length
  let fn = module.build(ref, methodArena)
  const about = survey(source)
  const write = (routed: boolean): Frame => {
    const frame = new Frame(context, source, fn, blocks, about.closed)
    if (routed) frame.flow.route()
    writeBody(frame, Array.from(fn.type.params.keys()), about)
    return frame
  }
  let frame = write(false)
  if (analyseFlow(fn.blocks.map(successors)).irreducible.length > 0) {
    context.recording?.restart()
    context.vm.sites.forget(newSites.splice(known).map(site => site.place))
    fn = module.build(ref, methodArena)
    frame = write(true)
  }
  module.finish(fn)
  return { source, fn, inlined: frame.inlined }
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
