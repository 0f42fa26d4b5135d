import { DoppelError } from '@doppel/base'
import type { Invocation } from './command.ts'
import { readTimeout } from './read-timeout.ts'
import { readMemory } from './run-options.ts'

/** Flags of `doppel run` that mean to a Java program what they mean to other machines. */
const LIFE = ['detach', 'name', 'rm', 'cap', 'json']
const SHARED: ReadonlySet<string> = new Set([
  'memory',
  'network',
  'publish',
  'allow',
  'deny',
  'timeout',
  'class-path',
  ...LIFE,
])

/**
 * `doppel java`'s words for a `doppel run` of a jar, or of a class with `--class-path`; undefined when it is no Java
 * program. Throws `cli.arguments` for flags that only computers have, `cli.flag-value`.
 */
export function javaWords(invocation: Invocation, flags: readonly string[]): string[] | undefined {
  const [target] = invocation.arguments
  const classPath = invocation.value('class-path')
  const isJar = target?.endsWith('.jar') === true
  if (!isJar && classPath === undefined) return undefined
  if (target === undefined) throw new DoppelError('cli.arguments', '--class-path needs the name of a class to run')
  const other = flags.find(name => !SHARED.has(name) && invocation.has(name))
  if (other !== undefined) {
    throw new DoppelError('cli.arguments', `--${other} is for machines that are computers, not for a Java program`, {
      flag: other,
    })
  }
  const timeoutMs = readTimeout(invocation.value('timeout'))
  const memory = invocation.value('memory')
  const words = ['network', 'publish', 'allow', 'deny'].flatMap(name =>
    invocation.values(name).flatMap(value => [`--${name}`, value]),
  )
  if (timeoutMs !== undefined) words.push('--timeout', String(timeoutMs / 1000))
  if (memory !== undefined) words.push(`-Xmx${readMemory(memory)}`)
  if (classPath !== undefined) words.push('-cp', classPath)
  return [...words, ...(isJar ? ['-jar', target] : [target]), ...(invocation.rest ?? [])]
}
