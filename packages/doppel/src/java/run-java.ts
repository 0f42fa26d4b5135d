import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import type { JavaMachine } from '@doppel/jvm'
import type { Streams } from '../cli/command.ts'
import { type JavaArguments, readJavaArguments } from './arguments.ts'
import { startDebugAgent } from './debug-agent.ts'
import { findJavaHome, type JavaHome } from './java-home.ts'
import { javaMachine } from './java-machine.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124

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
  const classPath = options.jar ? target : (options.classPath ?? env.CLASSPATH ?? '.')
  const machine = await javaMachine({ ...options, classPath }, home, env)
  const endDebugging = options.debug && (await startDebugAgent(machine, options.debug, text => streams.stdout(text)))
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
    await endDebugging?.()
    ignoreSignals()
    clearTimeout(timer)
    clearInterval(alive)
    process.stdin.destroy()
  }
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
