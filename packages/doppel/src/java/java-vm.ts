import { delimiter } from 'node:path'
import { parseSize } from '@doppel/base'
import type { Java, JavaMachine } from '@doppel/jvm'
import { DEFAULT_HEAP_BYTES, DEFAULT_STACK_BYTES } from './arguments.ts'
import { findJavaHome } from './java-home.ts'
import { javaMachine } from './java-machine.ts'

/** How a Java machine for a program is made; all of it may be left out. */
export interface JavaVmOptions {
  /** Folders and jars. */
  readonly classPath?: readonly string[]
  /** A folder that is java.home, or `openjdk-17` for the image; else as `doppel java` finds one. */
  readonly library?: string
  /** System properties. */
  readonly properties?: Readonly<Record<string, string>>
  /** What objects may take, e.g. `512M`, or bytes (1G). */
  readonly memory?: string | number
  /** Folders that it may use, `PATH` or `PATH:ro`; what this program may when not given. */
  readonly files?: readonly string[]
  /** As `doppel java`'s --network, --allow, --deny and --publish. */
  readonly network?: 'nat' | 'none'
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly publish?: readonly string[]
}

/** A Java machine whose classes a program of TypeScript uses, in this process. */
export class JavaVm {
  readonly #machine: JavaMachine
  /** Its classes. */
  readonly java: Java

  private constructor(machine: JavaMachine, java: Java) {
    this.#machine = machine
    this.java = java
  }

  /** Starts a machine; resolves when the library has been booted. Throws `java.*`, `jvm.*`, `net.policy`. */
  static async create(options: JavaVmOptions = {}): Promise<JavaVm> {
    const { memory = DEFAULT_HEAP_BYTES } = options
    const machine = await javaMachine(
      {
        classPath: (options.classPath ?? []).join(delimiter),
        properties: options.properties ?? {},
        enableAssertions: false,
        verboseClass: false,
        debug: undefined,
        maxHeapBytes: typeof memory === 'number' ? memory : parseSize(memory),
        stackBytes: DEFAULT_STACK_BYTES,
        files: options.files ?? [],
        network: {
          mode: options.network ?? 'nat',
          allow: options.allow ?? [],
          deny: options.deny ?? [],
          publish: options.publish ?? [],
        },
      },
      findJavaHome(process.env, options.library),
      process.env,
    )
    return new JavaVm(machine, await machine.open())
  }
  /** Ends the machine: its threads run no more. */
  stop(): void {
    this.#machine.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await Promise.resolve()
  }
}
