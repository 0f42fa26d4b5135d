import type { Command } from './command.ts'
import { doctorCommand } from './commands/doctor.ts'
import { imageListCommand, imagePullCommand, imageRemoveCommand } from './commands/image.ts'
import { attachCommand } from './commands/attach.ts'
import { completionCommand } from './commands/completion.ts'
import { cpCommand } from './commands/cp.ts'
import { execCommand } from './commands/exec.ts'
import { inspectCommand } from './commands/inspect.ts'
import { LIFE_COMMANDS } from './commands/life.ts'
import { logsCommand } from './commands/logs.ts'
import { psCommand } from './commands/ps.ts'
import { JAVA_COMMANDS } from './commands/java.ts'
import { runCommand } from './commands/run.ts'
import { forkCommand, restoreCommand, snapshotCommand } from './commands/snapshot.ts'
import { setCommand } from './commands/set.ts'
import { statsCommand } from './commands/stats.ts'

/** Every command, in the order of the help. A new command is one row here and one file in commands/. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  psCommand,
  execCommand,
  logsCommand,
  attachCommand,
  cpCommand,
  ...LIFE_COMMANDS,
  inspectCommand,
  statsCommand,
  setCommand,
  snapshotCommand,
  restoreCommand,
  forkCommand,
  ...JAVA_COMMANDS,
  imagePullCommand,
  imageListCommand,
  imageRemoveCommand,
  completionCommand(() => COMMANDS),
  doctorCommand,
]
