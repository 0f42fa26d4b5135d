import { expect, test } from 'vitest'
import { testTerminal } from '../../test/ports.ts'
import { F_VERSION_1, mmioDriver } from '../../test/virtio-driver.ts'
import { CONSOLE_INPUT_LIMIT_BYTES, virtioConsole } from './console.ts'

const [RECEIVE, TRANSMIT] = [0, 1]
const F_SIZE = 1n
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s)

test('what the guest transmits is shown', () => {
  const terminal = testTerminal()
  const driver = mmioDriver(virtioConsole({ port: terminal })).start({ queues: 2 })
  driver.post(TRANSMIT, [utf8('hello '), utf8('wörld')], [])
  expect(terminal.shown).toBe('hello wörld')
})

test('what is typed waits for buffers, fills them in order, and interrupts', () => {
  const terminal = testTerminal()
  const driver = mmioDriver(virtioConsole({ port: terminal })).start({ queues: 2 })
  terminal.type('echo hi\n')
  expect(driver.line.level).toBe(false)
  const [a, b, c] = [4, 100, 100].map(size => driver.post(RECEIVE, [], [size]))
  expect([text(a?.bytes() ?? utf8('')), text(b?.bytes() ?? utf8(''))]).toEqual(['echo', ' hi\n'])
  expect(c?.written).toBeUndefined()
  driver.transport.takeInterrupt()
  terminal.type('x')
  driver.collect(RECEIVE)
  expect([text(c?.bytes() ?? utf8('')), driver.line.level]).toEqual(['x', true])
})

test('typing before the guest is up, or while it restarts, is kept', () => {
  const terminal = testTerminal()
  const driver = mmioDriver(virtioConsole({ port: terminal }))
  terminal.type('early ')
  driver.start({ queues: 2 })
  driver.transport.setStatus(0)
  terminal.type('bird')
  driver.rings.length = 0
  driver.start({ queues: 2 })
  expect(text(driver.post(RECEIVE, [], [64]).bytes())).toBe('early bird')
})

test('the terminal’s size is in configuration space, and a change interrupts', () => {
  const terminal = testTerminal({ columns: 80, rows: 25 })
  const driver = mmioDriver(virtioConsole({ port: terminal })).start({ queues: 2, want: F_VERSION_1 | F_SIZE })
  expect(driver.features & F_SIZE).toBe(F_SIZE)
  expect([driver.transport.config(0, 2), driver.transport.config(2, 2), driver.transport.config(4, 4)]).toEqual([
    80, 25, 1,
  ])
  terminal.resize(132, 43)
  expect(driver.transport.takeInterrupt()).toBe(2)
  expect([driver.transport.config(0, 2), driver.transport.config(2, 2)]).toEqual([132, 43])
})

test('a port that is no terminal offers no size', () => {
  const driver = mmioDriver(virtioConsole({ port: testTerminal() }))
  expect(driver.transport.offered() & F_SIZE).toBe(0n)
})

test('input past the limit is dropped, not what came before it', () => {
  const terminal = testTerminal()
  const driver = mmioDriver(virtioConsole({ port: terminal })).start({ queues: 2 })
  terminal.type('a'.repeat(CONSOLE_INPUT_LIMIT_BYTES) + 'b')
  let got = ''
  while (got.length < CONSOLE_INPUT_LIMIT_BYTES) got += text(driver.post(RECEIVE, [], [65_536]).bytes())
  expect(got).toBe('a'.repeat(CONSOLE_INPUT_LIMIT_BYTES))
  expect(driver.post(RECEIVE, [], [16]).written).toBeUndefined()
})
