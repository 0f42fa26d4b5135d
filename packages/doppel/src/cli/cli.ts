import { DoppelError } from '@doppel/base'
import type { Streams } from './command.ts'

const hostStreams: Streams = {
  stdout: text => void process.stdout.write(text),
  stderr: text => void process.stderr.write(text),
  stderrIsTerminal: process.stderr.isTTY,
}

/** Commands that read their own words: started without loading every other command, which takes longer than Java does. */
const WITHOUT_TABLE: ReadonlySet<string> = new Set(['java', 'javac'])

/** `doppel run prog.pas …`, `doppel run system.vol …`: started without the other commands too. */
const PASCAL_PROGRAM = /^[^-][^=]*\.(pas|p4|p5)$/i
const PASCAL_VOLUME = /^[^-][^=]*\.(vol|svol|dsk|img)(:ro)?$/i

function runs(args: readonly string[], isProgram: (word: string, before: string) => boolean): boolean {
  const end = args.indexOf('--')
  const words = args.slice(0, end < 0 ? args.length : end)
  return (
    (words[0] === 'run' || words[0] === 'create') &&
    words.some((word, i) => i > 0 && isProgram(word, words[i - 1] ?? ''))
  )
}
const runsProgram = (args: readonly string[]): boolean => runs(args, word => PASCAL_PROGRAM.test(word))
/** A file that a flag asks for, such as a disk image, is no program; no flag of a p-System is without a value. */
const runsVolume = (args: readonly string[]): boolean =>
  runs(args, (word, before) => PASCAL_VOLUME.test(word) && !before.startsWith('-'))

/**
 * Runs one command line and returns its exit status: the command's own, 1 for a failure, 2 for a command line that
 * makes no sense. A failure is one line on stderr: `doppel: what, where, expected [code]`.
 */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
  streams: Streams = hostStreams,
): Promise<number> {
  try {
    const [first = '', second = ''] = args
    const java =
      WITHOUT_TABLE.has(first) && !/^(-h|--help)$/.test(second) ? await import('./commands/java.ts') : undefined
    const command = java?.JAVA_COMMANDS.find(c => c.name === first)
    if (command?.runWords) return await command.runWords(args.slice(1), env, streams)
    const isVolume = !runsProgram(args) && runsVolume(args)
    const isPascal = first === 'pascal' || runsProgram(args) || isVolume
    const pascal =
      isPascal && !args.some(word => /^(-h|--help)$/.test(word)) ? await import('./commands/pascal.ts') : undefined
    const found =
      pascal &&
      (first === 'pascal' ? pascal.PASCAL_COMMANDS : isVolume ? pascal.VOLUME_COMMANDS : pascal.PROGRAM_COMMANDS).find(
        ({ name }) => name === (first === 'pascal' ? `pascal ${second}` : first),
      )
    if (found) {
      const { parseCommandLine } = await import('./parse.ts')
      const words = args.slice(found.name.split(' ').length)
      return await found.run(parseCommandLine(found, words, env, streams))
    }
    const { dispatch } = await import('./dispatch.ts')
    return await dispatch(args, env, streams)
  } catch (error) {
    if (!(error instanceof DoppelError)) throw error
    streams.stderr(`doppel: ${error.message.replaceAll('\n', ' ')} [${error.code}]\n`)
    return error.code.startsWith('cli.') ? 2 : 1
  }
}
