import { delimiter, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { JavaMachine, type JvmHost, RuntimeImage } from '@doppel/jvm'
import type { ProgramWorld } from '../program/program-world.ts'
import type { JavaArguments } from './arguments.ts'
import { fileCodeStore } from './code-store.ts'
import { jailFiles, readFileGrant } from './file-jail.ts'
import { imageFile, nodeJvmHost } from './host.ts'
import type { JavaHome } from './java-home.ts'
import { javaNetwork } from './network.ts'

/** V8's stacks must hold what the machine's own accounting lets a thread use, several times over. */
const STACK_FACTOR = 4

/** What a Java machine is made of. */
export interface JavaMachineOptions
  extends Pick<
    JavaArguments,
    'debug' | 'properties' | 'enableAssertions' | 'verboseClass' | 'maxHeapBytes' | 'stackBytes' | 'network' | 'files'
  > {
  readonly classPath: string
}

/** A Java machine on this computer's files, streams and network. Throws `java.*`, `jvm.*`, `net.policy`. */
export async function javaMachine(
  options: JavaMachineOptions,
  home: JavaHome,
  env: Readonly<Record<string, string | undefined>>,
  world?: Pick<ProgramWorld, 'standard' | 'turns'>,
): Promise<JavaMachine> {
  const kilobytes = Math.ceil((options.stackBytes * STACK_FACTOR) / 1024)
  setFlagsFromString(`--stack-size=${Math.min(kilobytes, 900)}`)
  setFlagsFromString(`--wasm-stack-switching-stack-size=${kilobytes}`)
  // Java's objects live in the collected heap, which the command begins by keeping small.
  setFlagsFromString('--semi-space-growth-factor=2')
  const environment = Object.fromEntries(Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined))
  const library = join(home.path, 'lib', 'modules')
  return new JavaMachine(
    {
      ...filesFor(options, home, environment),
      ...(world && { turn: world.turns.look }),
      ...(world?.standard && standardStreams(world.standard)),
      codeStore: fileCodeStore(library, env),
      network: await javaNetwork(options.network),
    },
    new RuntimeImage(imageFile(library)),
    {
      properties: {
        ...platformProperties(home, env),
        ...options.properties,
        'java.class.path': options.classPath,
      },
      enableAssertions: options.enableAssertions,
      verboseClass: options.verboseClass,
      debug: options.debug && { waits: options.debug.suspend },
      maxHeapBytes: options.maxHeapBytes,
      stackBytes: options.stackBytes,
      javaHome: home.path,
    },
  )
}

/** Streams in place of this process's own. */
function standardStreams({ input, output }: NonNullable<ProgramWorld['standard']>): Pick<JvmHost, 'read' | 'write'> {
  let rest = new Uint8Array(0)
  return {
    write: (_stream, bytes) => output.write(bytes.slice()),
    read: async max => {
      if (rest.length === 0) rest = new Uint8Array((await input.read()) ?? [])
      const part = rest.subarray(0, max)
      rest = rest.subarray(part.length)
      return part
    },
  }
}

/** This computer, its files in a jail when folders are granted: the library and the class path may be read besides. */
function filesFor(
  { files, classPath }: JavaMachineOptions,
  home: JavaHome,
  environment: Readonly<Record<string, string>>,
): JvmHost {
  const host = nodeJvmHost(environment)
  if (files.length === 0) return host
  return jailFiles(host, files.map(readFileGrant), [home.path, ...classPath.split(delimiter)])
}

/** Properties that come from this computer and the library's release. */
function platformProperties(home: JavaHome, env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return {
    'java.version': home.version,
    'java.specification.version': '17',
    'java.class.version': '61.0',
    'java.runtime.version': home.version,
    'java.vm.compressedOopsMode': '',
    'user.home': env.HOME ?? '/',
    'user.name': env.USER ?? env.LOGNAME ?? 'doppel',
    'sun.java.launcher': 'SUN_STANDARD',
  }
}
