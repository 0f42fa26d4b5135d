import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ECHO, systemVolume } from '../../pcode/test/ucsd/small-system.ts'
import { DOPPEL, TerminalSession } from './doppel-process.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-ucsd-'))
  writeFileSync(join(folder, 'system.vol'), systemVolume(ECHO))
})
afterEach(() => rmSync(folder, { recursive: true }))

const session = (flags = ''): TerminalSession =>
  new TerminalSession(
    `cd '${folder}'; '${process.execPath}' '${DOPPEL}' run system.vol ${flags}; echo "status <$?>"; stty -a`,
  )

test('a p-System in the terminal gets keys as they are typed, control-C among them, and ends by itself', async () => {
  const terminal = session()
  await terminal.shows(/>/)
  terminal.type('ab')
  await terminal.shows(/^ab$/)
  // Its own key, not a signal; as output it is no character that a terminal shows.
  terminal.type('\x03c')
  await terminal.shows(/^c$/)
  terminal.type('Q')
  await terminal.shows(/0\s+status <0>/)
  await terminal.shows(/\bisig icanon/)
  expect(await terminal.ended).toBe(0)
})

test('Ctrl-A x and --timeout end one that waits for a key, and the terminal is as it was', async () => {
  const quit = session()
  await quit.shows(/>/)
  quit.type('\x01x')
  await quit.shows(/status <0>/)
  await quit.shows(/\bisig icanon/)
  expect(await quit.ended).toBe(0)

  const limited = session('--timeout 2s')
  await limited.shows(/status <124>/)
  await limited.shows(/\bisig icanon/)
  expect(await limited.ended).toBe(0)
})
