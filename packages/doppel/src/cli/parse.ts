import { parseArgs } from 'node:util'
import { DoppelError } from '@doppel/base'
import type { Command, Flag, Invocation, Streams } from './command.ts'

/** Flags that every command has. */
export const COMMON_FLAGS: readonly Flag[] = [{ name: 'help', short: 'h', summary: 'show this help' }]

/**
 * Reads a command line against its command's table. Throws `cli.flag`, `cli.flag-value` or `cli.arguments`, each
 * naming what was expected.
 */
export function parseCommandLine(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
): Invocation {
  const flags = [...COMMON_FLAGS, ...command.flags]
  const { tokens } = parseArgs({
    args: withTerminator(spelledOut(args, flags), command.restAfter, flags),
    options: Object.fromEntries(
      flags.map(({ name, short, value }) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = new Map<string, string[]>()
  const positionals: string[] = []
  let rest: string[] | undefined
  for (const token of tokens) {
    if (token.kind === 'option-terminator') rest = []
    else if (token.kind === 'positional') (rest ?? positionals).push(token.value)
    else {
      const flag = flags.find(candidate => candidate.name === token.name)
      if (!flag) throw unknownFlag(command, token.rawName, flags)
      checkValue(flag, token)
      const values = given.get(flag.name) ?? []
      if (values.length > 0 && flag.value !== undefined && !flag.multiple) {
        throw new DoppelError('cli.flag-value', `--${flag.name} is given twice; it takes one value`, {
          flag: flag.name,
        })
      }
      given.set(flag.name, [...values, token.value ?? ''])
    }
  }
  const asksHelp = given.has('help')
  if (!asksHelp) checkArguments(command, positionals, rest)
  return {
    words: args,
    arguments: positionals,
    rest,
    env,
    streams,
    has: flag => given.has(flag),
    value: flag => given.get(flag)?.at(-1),
    values: flag => given.get(flag) ?? [],
  }
}

/** Flags by their own names, where they have been given by another spelling. */
function spelledOut(args: readonly string[], flags: readonly Flag[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const alias = (word: string): Flag | undefined => flags.find(flag => flag.alias === word)
  return args.map((word, i) => (i < end && alias(word) ? `--${alias(word)?.name}` : word))
}

/** Puts `--` where the guest's words begin: after the n-th argument that is no flag and no flag's value. */
function withTerminator(args: readonly string[], restAfter: number | undefined, flags: readonly Flag[]): string[] {
  let left = restAfter ?? Infinity
  for (const [i, arg] of args.entries()) {
    if (arg === '--') break
    const flag = flags.find(({ name, short }) => arg === `--${name}` || (short !== undefined && arg === `-${short}`))
    const previous = flags.find(
      ({ name, short }) => args[i - 1] === `--${name}` || (short !== undefined && args[i - 1] === `-${short}`),
    )
    if (flag || arg.startsWith('-') || previous?.value !== undefined) continue
    left--
    if (left > 0 || args[i + 1] === '--' || i + 1 === args.length) continue
    return [...args.slice(0, i + 1), '--', ...args.slice(i + 1)]
  }
  return [...args]
}

function checkValue(
  flag: Flag,
  token: { readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
): void {
  const dashed = token.value !== undefined && token.inlineValue !== true && /^-./.test(token.value)
  if (flag.value !== undefined && (token.value === undefined || dashed)) {
    const hint = dashed ? ` (to give '${token.value}', write --${flag.name}=${token.value})` : ''
    throw new DoppelError('cli.flag-value', `--${flag.name} needs a value: --${flag.name} ${flag.value}${hint}`, {
      flag: flag.name,
    })
  }
  if (flag.value === undefined && token.value !== undefined) {
    throw new DoppelError('cli.flag-value', `--${flag.name} takes no value; it has '${token.value}'`, {
      flag: flag.name,
    })
  }
}

function checkArguments(command: Command, positionals: readonly string[], rest: readonly string[] | undefined): void {
  const usage = `usage: doppel ${command.name} ${command.usage}`.trimEnd()
  if (positionals.length < command.minArguments) {
    throw new DoppelError('cli.arguments', `doppel ${command.name} needs an argument; ${usage}`)
  }
  if (positionals.length > command.maxArguments) {
    const extra = positionals[command.maxArguments]
    const hint = command.takesRest ? "; a guest's command comes after --" : ''
    throw new DoppelError('cli.arguments', `'${extra}' is one argument too many${hint}; ${usage}`, { extra })
  }
  if (rest !== undefined && !command.takesRest) {
    throw new DoppelError('cli.arguments', `doppel ${command.name} takes nothing after --; ${usage}`)
  }
}

function unknownFlag(command: Command, raw: string, flags: readonly Flag[]): DoppelError {
  const near = nearest(
    raw.replace(/^-+/, ''),
    flags.map(flag => flag.name),
  )
  const hint = near === undefined ? `see doppel ${command.name} --help` : `did you mean --${near}?`
  return new DoppelError('cli.flag', `doppel ${command.name} has no flag ${raw}; ${hint}`, { flag: raw, near })
}

/** The candidate that is fewest edits away (Levenshtein), when that is few enough to be a slip; else undefined. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const best = candidates
    .map(candidate => ({
      candidate,
      edits: candidate.startsWith(word) && word !== '' ? 1 : editsBetween(word, candidate),
    }))
    .sort((a, b) => a.edits - b.edits)[0]
  return best && best.edits <= Math.max(1, Math.floor(word.length / 2)) ? best.candidate : undefined
}

function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replace = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
