import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { basename } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { JavaMachine } from '@doppel/jvm'
import type { Invocation, Streams } from '../cli/command.ts'
import type { ProgramRun, ProgramWorld } from '../program/program-world.ts'
import { type AskedProgram, runProgramAsAsked } from '../program/run-program.ts'
import { ProgramTurns } from '../program/turns.ts'
import { type JavaArguments, readJavaArguments } from './arguments.ts'
import { startDebugAgent } from './debug-agent.ts'
import { findJavaHome, type JavaHome } from './java-home.ts'
import { javaMachine } from './java-machine.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124

type Env = Readonly<Record<string, string | undefined>>

/** A class, jar or source file that is to run, and on which library. */
interface JavaTarget {
  readonly options: JavaArguments
  readonly target: string
  readonly home: JavaHome
}

/** What `java`'s command line asks for; an exit status once that was only to say something. Throws `java.*`. */
function readTarget(words: readonly string[], env: Env, streams: Streams): JavaTarget | number {
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
    return { options: { ...options, args }, target: 'com.sun.tools.javac.launcher.Main', home }
  }
  return { options, target: options.target, home }
}

/** Runs `java`'s command line on this computer's files and streams: the program's exit status. Throws `java.*`, `jvm.*`. */
export async function runJava(words: readonly string[], env: Env, streams: Streams): Promise<number> {
  const found = readTarget(words, env, streams)
  if (typeof found === 'number') return found
  const { status } = await begin(found, env, { streams, turns: new ProgramTurns() })
  return await status
}

/** Runs a Java program as the command line of `doppel run` says, whose words for `java` are given. Throws as `runJava`. */
export async function runJavaMachine(invocation: Invocation, words: readonly string[]): Promise<number> {
  const { env, streams } = invocation
  const found = readTarget(words, env, streams)
  if (typeof found === 'number') return found
  return await runProgramAsAsked(invocation, {
    ...recordedJava(found.target, words),
    start: world => begin(found, env, world),
  })
}

/** Records a Java program, to be started later: the exit status. Throws `java.*`. */
export async function createJava(invocation: Invocation, words: readonly string[]): Promise<number> {
  const found = readTarget(words, invocation.env, invocation.streams)
  if (typeof found === 'number') return found
  const { createRecorded } = await import('../program/record-program.ts')
  return await createRecorded(invocation, recordedJava(found.target, words))
}

function recordedJava(target: string, words: readonly string[]): Pick<AskedProgram, 'program' | 'image' | 'words'> {
  return { program: 'java', image: basename(target), words }
}

/** Starts a program by `java`'s command line. Throws `java.*`, `jvm.*`. */
export async function startJava(words: readonly string[], env: Env, world: ProgramWorld): Promise<ProgramRun> {
  const found = readTarget(words, env, world.streams)
  if (typeof found === 'number') throw new DoppelError('java.target', `java ${words.join(' ')} runs no program`)
  return await begin(found, env, world)
}

async function begin({ options, target, home }: JavaTarget, env: Env, world: ProgramWorld): Promise<ProgramRun> {
  const { streams } = world
  const classPath = options.jar ? target : (options.classPath ?? env['CLASSPATH'] ?? '.')
  const machine = await javaMachine({ ...options, classPath }, home, env, world)
  const endDebugging = options.debug && (await startDebugAgent(machine, options.debug, text => streams.stdout(text)))
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
  const run = async (): Promise<number> => {
    try {
      const status = await machine.run({ kind: options.jar ? 'jar' : 'class', name: target, args: options.args })
      if (options.statistics) streams.stderr(`${JSON.stringify(machine.statistics)}\n`)
      return status
    } finally {
      await endDebugging?.()
      ignoreSignals()
      clearTimeout(timer)
      clearInterval(alive)
      if (!world.standard) process.stdin.destroy()
    }
  }
  return {
    status: run(),
    ask: () => {
      if (!machine.signal(constants.signals.SIGTERM)) machine.stop(ASKED)
    },
    end: status => machine.stop(status),
    memoryLimitBytes: options.maxHeapBytes,
  }
}

/** What a program returns that SIGTERM has ended. */
const ASKED: number = 128 + constants.signals.SIGTERM

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
