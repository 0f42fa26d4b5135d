import { DoppelError } from '@doppel/base'
import type { Command, Flag } from '../command.ts'

/** What `completion` needs to know of each command; given, since the table of commands holds this one too. */
type Described = Pick<Command, 'name' | 'usage' | 'flags'>

const SHELLS = ['bash', 'zsh']

/** Makes `doppel completion` for a table of commands. */
export function completionCommand(commands: () => readonly Described[]): Command {
  return {
    name: 'completion',
    summary: 'print what makes a shell complete doppel commands, flags and machines',
    usage: 'bash | zsh',
    minArguments: 1,
    maxArguments: 1,
    flags: [],
    examples: [['doppel completion bash', 'source <(doppel completion bash), in ~/.bashrc say']],
    async run({ arguments: [shell = ''], streams }) {
      if (!SHELLS.includes(shell)) {
        throw new DoppelError('cli.arguments', `'${shell}' is no shell that is known; expected ${SHELLS.join(' or ')}`)
      }
      const zsh = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''
      streams.stdout(zsh + bashScript(commands()))
      return await Promise.resolve(0)
    },
  }
}

const spellings = ({ name, short }: Flag): string[] => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]

/** A function that completes from a table: flags after a dash, second words of groups, machines where they are named. */
function bashScript(commands: readonly Described[]): string {
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]
  const groups = firsts.map(first => ({
    first,
    seconds: commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? name.slice(first.length + 1) : [])),
  }))
  const rows = commands.map(
    ({ name, usage, flags }) =>
      `    '${name}') flags='${[...flags.flatMap(spellings), '--help'].join(' ')}' machines=${/MACHINE/.test(usage) ? 1 : ''} ;;`,
  )
  return `# doppel completion; made by 'doppel completion'
_doppel() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} flags= machines=
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '${firsts.join(' ')}' -- "$word"))
    return
  fi
  case $command in
${groups
  .filter(({ seconds }) => seconds.length > 0)
  .map(
    ({ first, seconds }) => `    ${first})
      if [ "$COMP_CWORD" = 2 ]; then
        COMPREPLY=($(compgen -W '${seconds.join(' ')}' -- "$word"))
        return
      fi
      command="$command \${COMP_WORDS[2]}" ;;`,
  )
  .join('\n')}
  esac
  case $command in
${rows.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *)
      [ -z "$machines" ] || COMPREPLY=($(compgen -W "$(doppel ps --all --names 2>/dev/null)" -- "$word"))
      [ "\${#COMPREPLY[@]}" != 0 ] || COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _doppel doppel
`
}
