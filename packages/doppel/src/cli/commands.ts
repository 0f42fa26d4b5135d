import type { Command } from './command.ts'
import { doctorCommand } from './commands/doctor.ts'
import { imageListCommand, imagePullCommand, imageRemoveCommand } from './commands/image.ts'
import { javaCommand, javacCommand } from './commands/java.ts'
import { runCommand } from './commands/run.ts'

/** Every command, in the order of the help. A new command is one row here and one file in commands/. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  javaCommand,
  javacCommand,
  imagePullCommand,
  imageListCommand,
  imageRemoveCommand,
  doctorCommand,
]
