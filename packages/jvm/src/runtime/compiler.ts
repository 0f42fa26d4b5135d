import { EXTERNREF, type FunctionRef, ModuleBuilder, type Node } from '@doppel/wasm'
import { Recording, USE } from '../archive/recording.ts'
import { ACC_SYNCHRONIZED } from '../class-file/access.ts'
import { readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import type { Kind } from '../class-file/descriptor.ts'
import { instructionLength, OPCODES } from '../opcodes.ts'
import { JavaProblem } from '../problem.ts'
import { type Translated, translate } from '../translate/method.ts'
import type { LoopEntry } from '../translate/loops.ts'
import type { MethodSource } from '../translate/source.ts'
import { importShared, ModuleTypes, TABLE, valueTypeOf, sharedArena } from '../translate/types.ts'
import type { Loader, Method, Value } from './classes.ts'
import { findNative } from '../natives/table.ts'
import { externalSignature } from './resolve.ts'
import { Task, Thrown, type Work } from './tasks.ts'
import type { Vm } from './vm.ts'

const GeneratorFunction = Object.getPrototypeOf(function* () {}).constructor as FunctionConstructor

/** Turns methods into code when they are first called. */
export class Compiler {
  readonly #vm: Vm
  /** Methods translated and bytes of their code, for statistics. */
  compiled = 0
  codeBytes = 0
  /** Hot methods and loops compiled again. */
  recompiled = 0

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** Puts the method’s code into the code table. Throws what makes it impossible, for its caller to see. */
  compile(method: Method): void {
    if (method.compiled) return
    if (method.isNative) this.#native(method)
    else if (method.isAbstract) {
      throw new JavaProblem(
        'java/lang/AbstractMethodError',
        externalSignature(method.owner.name, method.name, method.info.descriptor),
      )
    } else this.#bytecode(method)
    method.compiled = true
  }

  /**
   * Classes that the method’s instructions name and that only Java code can load. Those of the library’s own loaders are
   * loaded before it is compiled (JVMS §5.4 lets resolution be early), so that its instructions need no call sites.
   */
  namesToLoad(method: Method): readonly string[] {
    const { owner } = method
    const { file, loader } = owner
    if (method.compiled || !file || loader.object === null || !this.#isBuiltIn(loader)) return []
    const kept = this.#vm.archive.namesFor(method.id, owner)
    if (kept) return kept
    const { code } = method
    const names = new Set<string>()
    for (let at = 0; code && at < code.bytes.length; ) {
      const length = instructionLength(code.bytes, at)
      if (length === 0) return []
      const op = code.bytes[at] as number
      const index =
        op >= 0xb2 && op !== 0xbc && 'Knm'.includes(OPCODES[op]?.operands || '-') ? readU2(code.bytes, at + 1) : 0
      if (index > 0) {
        const tag = file.pool.tag(index)
        if (tag === Tag.class) names.add(file.pool.className(index))
        else if (tag >= Tag.field && tag <= Tag.interfaceMethod) names.add(file.pool.member(index).owner)
      }
      at += length
    }
    return [...names].filter(name => name !== owner.name && !owner.hidden && !this.#vm.classes.peek(name, loader))
  }
  readonly #builtIn = new Map<Loader, boolean>()
  #isBuiltIn(loader: Loader): boolean {
    let known = this.#builtIn.get(loader)
    if (known === undefined) {
      const { name, loader: above } = this.#vm.heap.classOf(loader.object)
      known = above.object === null && name.startsWith('jdk/internal/loader/ClassLoaders$')
      this.#builtIn.set(loader, known)
    }
    return known
  }
  *loadAndCompile(method: Method, names: readonly string[]): Work<void> {
    for (const name of names) {
      try {
        yield* this.#vm.linker.loadFor(name, method.owner.loader)
      } catch (error) {
        // What cannot be loaded is an error where it is used, if it is ever used.
        if (!(error instanceof JavaProblem) && !(error instanceof Thrown)) throw error
      }
    }
    this.compile(method)
  }

  #bytecode(method: Method): void {
    const { archive } = this.#vm
    this.compiled++
    if (archive.install(method.id, method.owner, method)) return
    const source = this.#source(method, `m${method.id}`)
    if (!source) throw new JavaProblem('java/lang/AbstractMethodError', method.toString())
    const recording = archive.wants(method.owner) ? new Recording() : undefined
    if (source.lock !== undefined && source.lock !== 'receiver') recording?.uses(method.owner, USE.mirror)
    const translated = translate(this.#vm, source, method.id, { recording })
    this.#install(translated)
    if (recording) archive.keep(method.id, recording, translated)
    this.codeBytes += source.code.length
  }
  #source(method: Method, name: string): MethodSource | undefined {
    const { code } = method
    if (!code) return undefined
    const synchronized = (method.access & ACC_SYNCHRONIZED) !== 0
    return {
      cls: method.owner,
      method,
      code: code.bytes,
      maxLocals: code.maxLocals,
      handlers: code.handlers,
      signature: method.signature,
      name,
      hasReceiver: !method.isStatic,
      lock: synchronized ? (method.isStatic ? this.#vm.mirrors.placeOf(method.owner) : 'receiver') : undefined,
    }
  }
  #copies = 0
  #copyName(method: Method): string {
    return `m${method.id}.${this.#copies++}`
  }

  /** Compiles a hot method again with the methods it calls, from its start or from one of its loops, for `place`. */
  optimize(method: Method, place: number, entry?: LoopEntry): void {
    let source = this.#source(method, this.#copyName(method))
    if (!source) return
    if (entry) source = { ...source, signature: entry.signature, lock: undefined, entry }
    this.#install(translate(this.#vm, source, place, { invite: callee => this.#callee(callee) }))
    this.recompiled++
  }
  /** What may come into a cluster: code of classes that need no initialization any more. */
  #callee(method: Method): MethodSource | undefined {
    const { owner } = method
    const outside = method.isNative || method.isAbstract || (method.access & ACC_SYNCHRONIZED) !== 0
    if (this.#vm.debug?.covers(owner)) return undefined
    if (outside || owner.state === 'loaded' || (method.isStatic && !owner.ready)) return undefined
    return this.#source(method, this.#copyName(method))
  }
  #install({ module, functions }: Translated): void {
    const { debug } = this.#vm
    this.#vm.instantiate(module, debug ? { debug: debug.imports } : {})
    for (const { source, fn, inlined } of functions) this.#vm.traces.register(source.name, module.marks(fn), inlined)
  }

  /** A native method: a call of the host’s function, or of the task that it starts. */
  #native(method: Method): void {
    const native = findNative(method)
    if (!native) {
      throw new JavaProblem(
        'java/lang/UnsatisfiedLinkError',
        `'${externalSignature(method.owner.name, method.name, method.info.descriptor)}'`,
      )
    }
    const isTask = native instanceof GeneratorFunction
    const vm = this.#vm
    const module = new ModuleBuilder()
    const types = new ModuleTypes(module)
    const { type } = types.signature(method.signature)
    const resultKind = method.descriptor.resultKind
    const host = module.importFunction(
      'native',
      'run',
      isTask ? { kind: 'func', params: type.params, results: [EXTERNREF] } : type,
    )
    const runTask = module.importFunction('rt', 'runTask', { kind: 'func', params: [EXTERNREF], results: [] })
    const result =
      resultKind === 'V'
        ? undefined
        : module.importFunction('native', 'result', {
            kind: 'func',
            params: [EXTERNREF],
            results: [valueTypeOf(resultKind as Kind)],
          })
    importShared(module)
    const name = `m${method.id}`
    const f = module.declare(name, type)
    const fn = module.build(f, sharedArena)
    const args: Node[] = type.params.map((_, i) => fn.get(i))
    const call = fn.call(host, args)
    if (isTask) {
      const task = fn.let(call)
      fn.effect(fn.call(runTask, [fn.get(task)]))
      if (result) fn.return(fn.call(result as FunctionRef, [fn.get(task)]))
      else fn.return()
    } else if (resultKind === 'V') {
      fn.effect(call)
      fn.return()
    } else fn.return(call)
    module.finish(fn)
    module.elements(TABLE.code, method.id, [f])
    const run = isTask
      ? (...values: Value[]) => new Task((native as (vm: Vm, ...args: Value[]) => Work<unknown>)(vm, ...values))
      : this.guarded(native as (vm: Vm, ...args: Value[]) => Value)
    vm.instantiate(module, { native: { run, result: (task: Task) => task.result } })
    vm.traces.register(name, [0, -2])
  }

  /** A host function whose problems become exceptions of the guest. */
  guarded(native: (vm: Vm, ...args: Value[]) => Value): (...values: Value[]) => Value {
    const vm = this.#vm
    return (...values) => {
      try {
        return native(vm, ...values)
      } catch (error) {
        throw new WebAssembly.Exception(vm.rt.throwable, [vm.throwableOf(error)])
      }
    }
  }
}
