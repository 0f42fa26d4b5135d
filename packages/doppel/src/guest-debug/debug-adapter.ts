import { resolve } from 'node:path'
import { DoppelError, utf8Bytes } from '@doppel/base'
import type { DapArguments, DapOutput, DapProgram } from '@doppel/monitor'
import { runCommand } from '../cli/commands/run.ts'
import { parseCommandLine } from '../cli/parse.ts'
import { readRunOptions, type RunOptions } from '../cli/run-options.ts'
import { readSymbolFile } from '../run/symbols.ts'
import { faultText } from '../run/faults.ts'
import { recordTo, replayOf, type Taping } from '../run/taping.ts'
import { debugGuest } from './debugged-guest.ts'
import { listOf, readSourceMap, sourcePaths } from './source-paths.ts'

/** What a launch configuration may have of the flags of `doppel run`, by the same names. */
const FLAGS = new Set(
  'memory cpus kernel initrd append disk volume network firmware transport engine symbols deterministic seed'.split(
    ' ',
  ),
)

/** Its other flags; clients have keys of their own besides, of which only the name of a configuration is called like one of these. */
const REFUSED = new Set(runCommand.flags.map(({ name }) => name).filter(name => name !== 'name' && !FLAGS.has(name)))

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
  if (attaches) throw new DoppelError('dap.attach', 'which machine? expected "machine", a name or an id of doppel ps')
  const folder = resolve(given.optionalText('cwd') ?? '.')
  // All paths of the configuration are seen from there, as in a terminal.
  process.chdir(folder)
  const { options, taping } = await whatToRun(given, output)
  const guest = await debugGuest(options, event => output(faultText(event), 'console'), taping)
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
    if (!FLAGS.has(flag)) {
      if (value !== false && REFUSED.has(flag))
        throw new DoppelError('dap.flag', `"${name}" is not for debugged machines`)
      continue
    }
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
