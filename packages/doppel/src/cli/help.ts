import type { Command } from './command.ts'
import { COMMON_FLAGS } from './parse.ts'

/** What `doppel COMMAND --help` prints. */
export function commandHelp(command: Command): string {
  const flags = [...command.flags, ...COMMON_FLAGS].map(({ name, short, value, summary }): [string, string] => [
    `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    summary,
  ])
  return [
    `doppel ${command.name} - ${command.summary}`,
    '',
    `Usage: doppel ${command.name} ${command.usage}`.trimEnd(),
    '',
    'Flags:',
    ...columns(flags),
    '',
    'Examples:',
    ...columns(command.examples),
    '',
  ].join('\n')
}

/** What `doppel --help` prints. */
export function overallHelp(commands: readonly Command[]): string {
  return [
    'doppel - virtual machines that run wherever JavaScript does',
    '',
    'Usage: doppel COMMAND [FLAGS] [ARGUMENTS]',
    '',
    'Commands:',
    ...columns(commands.map(({ name, summary }): [string, string] => [name, summary])),
    '',
    'Examples:',
    ...columns(commands.flatMap(command => command.examples.slice(0, command.name === 'run' ? 2 : 1))),
    '',
    "doppel COMMAND --help tells a command's flags; doppel --version the version.",
    '',
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())
}
