import { DoppelError } from '@doppel/base'
import type { Streams } from './command.ts'

const hostStreams: Streams = {
  stdout: text => void process.stdout.write(text),
  stderr: text => void process.stderr.write(text),
  stderrIsTerminal: process.stderr.isTTY,
}

/** Commands that read their own words: started without loading every other command, which takes longer than Java does. */
const WITHOUT_TABLE: ReadonlySet<string> = new Set(['java', 'javac'])

/** `doppel run prog.pas …`: started without the other commands too. */
function isPascalRun(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (
    args[0] === 'run' && args.slice(1, end < 0 ? args.length : end).some(word => /^[^-][^=]*\.(pas|p4|p5)$/i.test(word))
  )
}

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
    const isPascal = first === 'pascal' || isPascalRun(args)
    const pascal =
      isPascal && !args.some(word => /^(-h|--help)$/.test(word)) ? await import('./commands/pascal.ts') : undefined
    const found =
      pascal &&
      (first === 'run' ? pascal.runPascalCommand : pascal.PASCAL_COMMANDS.find(c => c.name === `pascal ${second}`))
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
