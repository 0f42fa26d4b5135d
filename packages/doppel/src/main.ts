import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from './cli/cli.ts'
import { VERSION } from './cli/version.ts'

/** What sysexits(3) calls EX_SOFTWARE. */
const INTERNAL_ERROR = 70

// A reader that goes away (`doppel … | head`) ends the program quietly, as the shell expects.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.stderr.on('error', () => process.exit(1))
process.on('uncaughtException', fail)
try {
  process.exitCode = await runCli(process.argv.slice(2))
} catch (error) {
  fail(error)
}

/** Our own bug: one line for the user, and the stack in a file for whoever mends it. */
function fail(error: unknown): never {
  const report = join(tmpdir(), `doppel-report-${process.pid}.txt`)
  const lines = [`doppel ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`]
  lines.push(process.argv.slice(2).join(' '), error instanceof Error ? (error.stack ?? error.message) : String(error))
  let where = report
  try {
    writeFileSync(report, `${lines.join('\n')}\n`)
  } catch (cause) {
    where = `nowhere, since it cannot be written (${(cause as NodeJS.ErrnoException).code})`
  }
  const what = (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ')
  process.stderr.write(`doppel: a bug of doppel's: ${what}; the report is ${where} [internal]\n`)
  process.exit(INTERNAL_ERROR)
}
