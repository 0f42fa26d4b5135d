import { faultText } from '../run/faults.ts'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { utf8Bytes } from '@doppel/base'
import { TerminalDebugger } from '@doppel/monitor'
import type { Streams } from '../cli/command.ts'
import type { RunOptions } from '../cli/run-options.ts'
import { TypedLines } from '../pascal/typed-lines.ts'
import { debugGuest } from './debugged-guest.ts'

const PROMPT = '(debug) '
const DONE: unique symbol = Symbol('done')

/** Debugs a machine's guest in this terminal, which both share: its exit status, or 0 when it was left before. */
export async function debugGuestInTerminal(options: RunOptions, streams: Streams): Promise<number> {
  const guest = await debugGuest(options, event => streams.stderr(faultText(event)))
  const { target } = guest
  const lines = new TypedLines(() => target.pause())
  guest.console.attach({ write: bytes => void process.stdout.write(bytes.slice()) })
  const terminal = new TerminalDebugger({ target, readSource: readText, write: text => streams.stdout(text) })
  terminal.showPlace()
  let typed: Promise<string | undefined> | undefined
  while (!terminal.isOver) {
    if (typed) streams.stdout(PROMPT)
    const line = await (typed ?? lines.next(PROMPT))
    typed = undefined
    if (line === undefined) break
    const done = terminal.execute(line).then((): typeof DONE => DONE)
    // At a terminal, what is typed while the guest runs is typed to the guest; elsewhere lines are commands.
    while (process.stdin.isTTY) {
      typed ??= lines.next()
      const first = await Promise.race([done, typed])
      if (first === DONE) break
      typed = undefined
      if (first === undefined) break
      guest.console.type(utf8Bytes(`${first}\n`))
    }
    await done
  }
  lines.end()
  guest.kill()
  await guest.ended
  return terminal.end?.exitCode ?? 0
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(resolve(file), 'utf8')
  } catch {
    // A file that is gone has no lines to show; the debugger says so where they are asked for.
    return undefined
  }
}
