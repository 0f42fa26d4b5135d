import { DoppelError } from '@doppel/base'
import './natives/index.ts'
import type { Method } from './runtime/classes.ts'
import type { DebugConnection, DebugListener } from './debug/debugger.ts'
import { Java } from './interop/java.ts'
import { boot, mainClass, runMain } from './runtime/boot.ts'
import { MachineExit } from './runtime/exit.ts'
import { Machine } from './runtime/machine.ts'
import { invoke, type Work } from './runtime/tasks.ts'
import type { ClassLibrary, JvmHost, VmOptions } from './runtime/vm.ts'

/** Class file version of OpenJDK 17. */
const MAJOR_17 = 61

/** What to start: a class by name, or the main class of a jar. */
export interface JavaProgram {
  readonly kind: 'class' | 'jar'
  readonly name: string
  readonly args: readonly string[]
}

/** Figures of one run. */
export interface JvmStatistics {
  readonly classes: number
  readonly methods: number
  readonly bytecodeBytes: number
  /** Hot methods and loops compiled again. */
  readonly recompiled: number
}

/** One Java virtual machine. */
export class JavaMachine {
  readonly #machine: Machine
  #stopped: ((status: number) => void) | undefined

  constructor(host: JvmHost, library: ClassLibrary, options: VmOptions) {
    this.#machine = new Machine(host, library, options, MAJOR_17)
    if (options.verboseClass) {
      this.#machine.classes.onDefine = cls => {
        const source = cls.loader.object === null ? 'jrt:/java.base' : 'file'
        host.write(1, new TextEncoder().encode(`[class,load] ${cls.name.replaceAll('/', '.')} source: ${source}\n`))
      }
    }
  }

  get statistics(): JvmStatistics {
    const { classes, compiler } = this.#machine
    return {
      classes: classes.count,
      methods: compiler.compiled,
      bytecodeBytes: compiler.codeBytes,
      recompiled: compiler.recompiled,
    }
  }

  /**
   * Boots the library and runs a program to its end: its exit status. Throws `jvm.*` for failures of the machine itself;
   * the program’s own are printed as `java` prints them and give status 1.
   */
  async run(program: JavaProgram): Promise<number> {
    const vm = this.#machine
    return await new Promise<number>((resolve, reject) => {
      this.#stopped = resolve
      const ended = (error: unknown): void => {
        if (error instanceof MachineExit) {
          // Threads that still run end at their next look at the world.
          vm.stop = () => {
            throw error
          }
          resolve(error.status)
        } else reject(asDoppelError(error))
      }
      vm.threads.onFailure = ended
      vm.threads.onIdle = () => undefined
      vm.threads.runMain(this.#main(program)).then(status => resolve(status as number), ended)
    }).finally(() => {
      vm.threads.dispose()
      vm.sockets.closeAll()
      vm.archive.save()
      vm.debug?.end()
    })
  }
  /** Boots the library for a program of TypeScript’s, which calls Java; `close` ends it. Throws `jvm.*`. */
  async open(): Promise<Java> {
    const vm = this.#machine
    const main = vm.threads.current
    const failed = Promise.withResolvers<never>()
    vm.threads.onFailure = error => failed.reject(asDoppelError(error))
    // Nobody may be waiting when a thread of the guest fails.
    failed.promise.catch(() => undefined)
    const booted = vm.threads.runOn(
      main,
      (function* (): Work<void> {
        yield* boot(vm)
        vm.heapLimit.begin()
      })(),
    )
    await Promise.race([booted, failed.promise])
    return new Java(vm, main)
  }
  /** Ends a machine that was opened: its threads end at their next look at the world. */
  close(): void {
    const vm = this.#machine
    this.stop(0)
    vm.threads.dispose()
    vm.sockets.closeAll()
    vm.archive.save()
  }

  /**
   * A debugger’s connection to a machine made for that (`VmOptions.debug`); undefined when it serves another. Throws
   * `jvm.debug` when the machine cannot be debugged.
   */
  attach(connection: DebugConnection): DebugListener | undefined {
    const { debug } = this.#machine
    if (!debug) throw new DoppelError('jvm.debug', 'this Java machine was not made to be debugged', {})
    return debug.attach(connection)
  }

  /** Ends the machine from outside with this exit status. */
  stop(status: number): void {
    this.#machine.stop = () => {
      throw new MachineExit(status)
    }
    this.#stopped?.(status)
  }

  /** A signal by its number. False when the program has not begun or has nothing to do with this signal. */
  signal(number: number): boolean {
    return this.#machine.signals.raise(number)
  }

  *#main(program: JavaProgram): Work<number> {
    const vm = this.#machine
    yield* boot(vm)
    vm.heapLimit.begin()
    if (vm.debug) yield* vm.debug.begin()
    const thread = vm.threads.current
    let status = 0
    try {
      const cls = yield* mainClass(vm, program.kind === 'jar' ? 2 : 1, program.name)
      yield* runMain(vm, cls, program.args)
    } catch (error) {
      status = 1
      const thrown = vm.throwableOf(error)
      const dispatch = vm.classes
        .boot('java/lang/Thread')
        .declared('dispatchUncaughtException', '(Ljava/lang/Throwable;)V') as Method
      yield* invoke(dispatch, thread.object, thrown)
    }
    yield* vm.threads.waitForOthers()
    const shutdown = vm.classes.boot('java/lang/Shutdown')
    yield* vm.linker.initialize(shutdown)
    yield* invoke(shutdown.declared('shutdown', '()V') as Method)
    return status
  }
}

function asDoppelError(error: unknown): unknown {
  if (error instanceof WebAssembly.RuntimeError) {
    return new DoppelError('jvm.trap', `compiled code trapped: ${error.message}`, {}, error)
  }
  return error
}
