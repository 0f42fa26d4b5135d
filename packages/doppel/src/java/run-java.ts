import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { JavaMachine, type JvmHost, RuntimeImage } from '@doppel/jvm'
import type { Streams } from '../cli/command.ts'
import { type JavaArguments, readJavaArguments } from './arguments.ts'
import { fileCodeStore } from './code-store.ts'
import { jailFiles, readFileGrant } from './file-jail.ts'
import { imageFile, nodeJvmHost } from './host.ts'
import { javaNetwork } from './network.ts'
import { findJavaHome, type JavaHome } from './java-home.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124
/** V8's stacks must hold what the machine's own accounting lets a thread use, several times over. */
const STACK_FACTOR = 4

/** Runs `java`'s command line on this computer's files and streams: the program's exit status. Throws `java.*`, `jvm.*`. */
export async function runJava(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
): Promise<number> {
  const options = readJavaArguments(words)
  const home = findJavaHome(env, options.library)
  if (options.showVersion !== 'no') {
    streams.stderr(`openjdk version "${home.version}"\ndoppel Java virtual machine, with the library of ${home.path}\n`)
    if (options.showVersion === 'only') return 0
  }
  if (options.target === undefined) {
    streams.stderr('usage: doppel java [OPTIONS] CLASS [ARGUMENTS] | doppel java [OPTIONS] -jar FILE [ARGUMENTS]\n')
    return 1
  }
  if (options.jar && !existsSync(options.target)) {
    streams.stderr(`Error: Unable to access jarfile ${options.target}\n`)
    return 1
  }
  // One source file is a program (JEP 330): the library's launcher compiles it in memory and runs it.
  if (!options.jar && options.target.endsWith('.java') && existsSync(options.target)) {
    const args = [options.target, ...options.args]
    return await start({ ...options, args }, 'com.sun.tools.javac.launcher.Main', home, env, streams)
  }
  return await start(options, options.target, home, env, streams)
}

async function start(
  options: JavaArguments,
  target: string,
  home: JavaHome,
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
): Promise<number> {
  const kilobytes = Math.ceil((options.stackBytes * STACK_FACTOR) / 1024)
  setFlagsFromString(`--stack-size=${Math.min(kilobytes, 900)}`)
  setFlagsFromString(`--wasm-stack-switching-stack-size=${kilobytes}`)
  // Java's objects live in the collected heap, which the command begins by keeping small.
  setFlagsFromString('--semi-space-growth-factor=2')
  const environment = Object.fromEntries(Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined))
  const library = join(home.path, 'lib', 'modules')
  const machine = new JavaMachine(
    {
      ...filesFor(options, target, home, environment),
      codeStore: fileCodeStore(library, env),
      network: await javaNetwork(options.network),
    },
    new RuntimeImage(imageFile(library)),
    {
      properties: {
        ...platformProperties(home, env),
        ...options.properties,
        'java.class.path': options.jar ? target : (options.classPath ?? env.CLASSPATH ?? '.'),
      },
      enableAssertions: options.enableAssertions,
      verboseClass: options.verboseClass,
      maxHeapBytes: options.maxHeapBytes,
      stackBytes: options.stackBytes,
      javaHome: home.path,
    },
  )
  let status: number | undefined
  const ignoreSignals = passSignals(machine)
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          streams.stderr(`doppel: the program was ended after ${options.timeoutMs} ms [run.timeout]\n`)
          machine.stop(TIMED_OUT)
        }, options.timeoutMs)
  // A program that only waits for something of its own keeps this process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    status = await machine.run({ kind: options.jar ? 'jar' : 'class', name: target, args: options.args })
    if (options.statistics) streams.stderr(`${JSON.stringify(machine.statistics)}\n`)
    return status
  } finally {
    ignoreSignals()
    clearTimeout(timer)
    clearInterval(alive)
    process.stdin.destroy()
  }
}

/** This computer, its files in a jail when folders are granted: the library and the class path may be read besides. */
function filesFor(
  options: JavaArguments,
  target: string,
  home: JavaHome,
  environment: Readonly<Record<string, string>>,
): JvmHost {
  const host = nodeJvmHost(environment)
  if (options.files.length === 0) return host
  const classPath = options.jar ? target : (options.classPath ?? environment['CLASSPATH'] ?? '.')
  return jailFiles(host, options.files.map(readFileGrant), [home.path, ...classPath.split(delimiter)])
}

/** The signals that a Java machine takes: those that end it once its shutdown hooks have run, and the thread dump's. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const

/** Hands signals to the program; one that comes again, though it should have ended the program, ends it now. */
function passSignals(machine: JavaMachine): () => void {
  const seen = new Set<string>()
  const handlers = SIGNALS.map(signal => {
    const number = constants.signals[signal]
    const handler = (): void => {
      if (seen.has(signal) || !machine.signal(number)) machine.stop(128 + number)
      else if (signal !== 'SIGQUIT') seen.add(signal)
    }
    process.on(signal, handler)
    return () => process.off(signal, handler)
  })
  return () => {
    for (const remove of handlers) remove()
  }
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
