import { DoppelError } from '@doppel/base'
import { Entries } from '../control/entries.ts'
import { runMachineProcess } from '../control/machine-process.ts'
import { INCOMING, MACHINE_PROCESS } from '../control/start-process.ts'
import { runIncomingProcess } from '../migrate/incoming.ts'
import { carryNetwork, NETWORK_PROCESS } from '../network/carrier.ts'
import { COMMANDS } from './commands.ts'
import type { Command, Streams } from './command.ts'
import { commandHelp, overallHelp } from './help.ts'
import { nearest, parseCommandLine } from './parse.ts'
import { VERSION } from './version.ts'

/** Finds the command that the words name and runs it: its exit status. Throws `cli.*` for words that make no sense. */
export async function dispatch(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
): Promise<number> {
  const [first] = args
  if (first === '--version' || first === '-V') {
    streams.stdout(`doppel ${VERSION}\n`)
    return 0
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const named = first === 'help' && args.length > 1 ? findCommand(args.slice(1)) : undefined
    streams.stdout(named ? commandHelp(named.command) : overallHelp(COMMANDS))
    // Without a command nothing was done, so scripts should notice.
    return first === undefined ? 2 : 0
  }
  if (first === MACHINE_PROCESS && args[3] === INCOMING)
    return await runIncomingProcess(new Entries(args[1] ?? ''), args[2] ?? '')
  if (first === MACHINE_PROCESS) return await runMachineProcess(new Entries(args[1] ?? ''), args[2] ?? '')
  if (first === NETWORK_PROCESS) return await carryNetwork(args[1] ?? '', env)
  const group = COMMANDS.filter(command => command.name.startsWith(`${first} `))
  if (group.length > 0 && (args.length === 1 || args[1] === '--help' || args[1] === '-h')) {
    streams.stdout(group.map(commandHelp).join('\n'))
    return args.length === 1 ? 2 : 0
  }
  const { command, words } = findCommand(args)
  const given = args.slice(words)
  if (command.runWords && given[0] !== '--help' && given[0] !== '-h') return await command.runWords(given, env, streams)
  const invocation = parseCommandLine(command, args.slice(words), env, streams)
  if (invocation.has('help')) {
    streams.stdout(commandHelp(command))
    return 0
  }
  return await command.run(invocation)
}

function findCommand(args: readonly string[]): { readonly command: Command; readonly words: number } {
  for (const words of [2, 1]) {
    const command = COMMANDS.find(candidate => candidate.name === args.slice(0, words).join(' '))
    if (command) return { command, words }
  }
  const wanted = args.slice(0, 2).join(' ')
  const near =
    nearest(
      args[0] ?? '',
      COMMANDS.map(command => command.name),
    ) ??
    nearest(
      wanted,
      COMMANDS.map(command => command.name),
    )
  const hint = near === undefined ? 'see doppel --help' : `did you mean 'doppel ${near}'?`
  throw new DoppelError('cli.command', `doppel has no command '${args[0]}'; ${hint}`, { command: args[0], near })
}
