import { runCli } from './cli/cli.ts'

// A reader that goes away (`doppel … | head`) ends the program quietly, as the shell expects.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exitCode = await runCli(process.argv.slice(2))
