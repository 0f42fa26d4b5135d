import { resolve } from 'node:path'
import { DoppelError, type SourceTarget, utf8Bytes } from '@doppel/base'
import type { DapArguments, DapOutput, DapProgram } from '@doppel/monitor'
import { runCommand } from '../cli/commands/run.ts'
import { parseCommandLine } from '../cli/parse.ts'
import { readRunOptions, type RunOptions } from '../cli/run-options.ts'
import { readSymbolFile } from '../run/symbols.ts'
import { recordTo, replayOf, type Taping } from '../run/taping.ts'
import { debugGuest } from './debugged-guest.ts'

/** What a launch configuration may have of the flags of `doppel run`, by the same names. */
const FLAGS = new Set(
  'memory cpus kernel initrd append disk volume network firmware transport engine symbols deterministic seed break-on'.split(
    ' ',
  ),
)

/** Whether a launch configuration is of a machine: a kernel, an image, a replay, or a program of none of the languages that doppel compiles. */
export function isGuestLaunch(given: DapArguments): boolean {
  const program = given.optionalText('program')
  const others = ['kernel', 'firmware', 'image', 'replay'].some(name => given.all[name] !== undefined)
  return others || (program !== undefined && !/\.(pas|pp|p5|dpr)$/i.test(program))
}

/**
 * Starts the machine of a launch configuration: `program` (an ELF file), `image` or `kernel`, and flags of `doppel run`; `record` or
 * `replay` (files), `sourceMap` (folders of the compiler's by ours), `cwd`. Throws `dap.*`, and what `doppel run` throws.
 */
export async function launchGuest(
  given: DapArguments,
  output: DapOutput,
  { attaches }: { readonly attaches: boolean },
): Promise<DapProgram> {
  if (attaches) throw new DoppelError('dap.attach', 'a machine is debugged from its beginning: use launch')
  const folder = resolve(given.optionalText('cwd') ?? '.')
  // All paths of the configuration are seen from there, as in a terminal.
  process.chdir(folder)
  const { options, taping } = await whatToRun(given, output)
  const guest = await debugGuest(options, taping)
  const { target } = guest
  const decoder = new TextDecoder()
  guest.console.attach({ write: bytes => output(decoder.decode(bytes, { stream: true }), 'stdout') })
  guest.ended.then(
    said => (said === '' ? undefined : output(`${said}\n`, 'console')),
    (error: unknown) => output(`${(error as Error).message}\n`, 'stderr'),
  )
  return {
    target,
    ...sourcePaths(target, readSourceMap(given), folder),
    give: text => guest.console.type(utf8Bytes(text)),
    end: () => guest.kill(),
  }
}

async function whatToRun(
  given: DapArguments,
  output: DapOutput,
): Promise<{ readonly options: RunOptions; readonly taping: Taping | undefined }> {
  const [replay, record] = [given.optionalText('replay'), given.optionalText('record')]
  if (replay !== undefined) {
    const { options, taping } = replayOf(replay, process.env)
    const symbols = listOf(given, 'symbols').map(readSymbolFile)
    return { options: symbols.length > 0 ? { ...options, symbols } : options, taping }
  }
  const words: string[] = []
  for (const [name, value] of Object.entries(given.all)) {
    const flag = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    if (!FLAGS.has(flag)) continue
    if (value === true) words.push(`--${flag}`)
    else if (value !== false) for (const each of listOf(given, name)) words.push(`--${flag}=${each}`)
  }
  if (record !== undefined && !words.includes('--deterministic')) words.push('--deterministic')
  const target = given.optionalText('program') ?? given.optionalText('image')
  const streams = { stdout: () => undefined, stderr: (text: string) => output(text, 'stderr'), stderrIsTerminal: false }
  const invocation = parseCommandLine(
    runCommand,
    target === undefined ? words : [...words, target],
    process.env,
    streams,
  )
  return { options: await readRunOptions(invocation), taping: record === undefined ? undefined : recordTo(record) }
}

/** Texts, or one alone. Throws `dap.argument`. */
function listOf(given: DapArguments, name: string): readonly string[] {
  const value: unknown = given.all[name] ?? []
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map(each => {
    if (typeof each === 'string' || typeof each === 'number') return String(each)
    throw new DoppelError('dap.argument', `${name} must be a text, a number, or a list of them`, { name })
  })
}

/** Where the compiler saw folders, and where they are here; the longest first. */
type SourceMap = readonly (readonly [theirs: string, ours: string])[]

function readSourceMap(given: DapArguments): SourceMap {
  return Object.entries(given.object('sourceMap').all)
    .map(([theirs, ours]) => {
      if (typeof ours === 'string') return [theirs.replace(/\/$/, ''), resolve(ours)] as const
      throw new DoppelError('dap.argument', `sourceMap must have a folder for '${theirs}'`, { name: 'sourceMap' })
    })
    .sort((a, b) => b[0].length - a[0].length)
}

/** The client's path of each of the program's files, and back. */
export function sourcePaths(
  target: Pick<SourceTarget, 'files'>,
  map: SourceMap,
  folder: string,
): Pick<DapProgram, 'pathOf' | 'fileOf'> {
  const pathOf = (file: string): string => {
    const found = map.find(([theirs]) => file === theirs || file.startsWith(`${theirs}/`))
    return found ? resolve(found[1] + file.slice(found[0].length)) : resolve(folder, file)
  }
  let known: ReadonlyMap<string, string> | undefined
  return {
    pathOf,
    fileOf: path => {
      known ??= new Map(target.files.map(file => [pathOf(file), file]))
      return known.get(resolve(path))
    },
  }
}
