import type { CommandRow, Run } from './command.ts'
import { eventCommands } from './commands-events.ts'
import { objectCommands } from './commands-objects.ts'
import { threadCommands } from './commands-threads.ts'
import { typeCommands } from './commands-types.ts'
import { machineCommands } from './commands-machine.ts'

const rows: readonly CommandRow[] = [
  ...machineCommands,
  ...typeCommands,
  ...objectCommands,
  ...threadCommands,
  ...eventCommands,
]

/** Every command that is answered, by its set times 256 plus its number. */
export const COMMANDS: ReadonlyMap<number, Run> = new Map(rows.map(([set, number, , run]) => [set * 256 + number, run]))
