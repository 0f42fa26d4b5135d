import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { DOPPEL, TerminalSession } from './doppel-process.ts'

const PROMPT = /root@doppel:~# /

/** A machine on a terminal of 30 rows and 100 columns; afterwards the terminal tells how it was left. */
const session = (flags = ''): TerminalSession =>
  new TerminalSession(
    `tty; stty rows 30 cols 100; '${process.execPath}' '${DOPPEL}' run ${flags} linux; echo "status <$?>"; stty -a`,
  )

test('a shell in the terminal: keys, Ctrl-C, the window’s size, help, and quitting', async () => {
  const terminal = session()
  const [tty] = await terminal.shows(/\/dev\/pts\/\d+/)
  await terminal.shows(PROMPT)
  terminal.type('echo $((6 * 7))\r')
  await terminal.shows(/echo \$\(\(6 \* 7\)\)\r+\n42\r+\n/)
  await terminal.shows(PROMPT)

  // A job of its own says that it began, so it is the terminal's foreground by then and the signal is not the shell's.
  terminal.type("sh -c 'echo began; sleep 1000'\r")
  await terminal.shows(/\nbegan\r+\n/)
  terminal.type('\x03')
  await terminal.shows(PROMPT)
  terminal.type('echo "ended by $?"\r')
  await terminal.shows(/ended by 130/)

  terminal.type('stty size\r')
  await terminal.shows(/\n30 100\r+\n/)
  spawnSync('stty', ['-F', tty, 'rows', '44', 'cols', '123'])
  terminal.type('sleep 1; stty size\r')
  await terminal.shows(/\n44 123\r+\n/)

  terminal.type('\x01h')
  await terminal.shows(/Ctrl-A x +end the machine/)
  terminal.type('\x01x')
  await terminal.shows(/status <0>/)
  await terminal.shows(/\bisig icanon/)
  expect(await terminal.ended).toBe(0)
})

test('reboot starts the machine again; poweroff ends it with 0', async () => {
  const terminal = session()
  await terminal.shows(PROMPT)
  terminal.type('touch /here; reboot -f\r')
  await terminal.shows(PROMPT)
  terminal.type('ls /here; poweroff -f\r')
  await terminal.shows(/No such file/)
  await terminal.shows(/status <0>/)
  await terminal.shows(/\bisig icanon/)
})

test('the shell’s end is the machine’s', async () => {
  const terminal = session('--cpus 2')
  await terminal.shows(PROMPT)
  terminal.type('exit\r')
  await terminal.shows(/status <0>/)
})
