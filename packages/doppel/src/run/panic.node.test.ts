import type { CharPort } from '@doppel/base'
import { expect, test } from 'vitest'
import { PanicWatch } from './panic.ts'

function setUp() {
  let passed = ''
  const port: CharPort = {
    write: bytes => {
      passed += Buffer.from(bytes).toString('latin1')
    },
    onInput: () => undefined,
  }
  const watch = new PanicWatch()
  const over = watch.over(port)
  const print = (text: string): void => over.write(Buffer.from(text, 'latin1'))
  return { watch, print, passed: () => passed }
}

test('the first panic’s reason is kept, however its bytes arrive', () => {
  const { watch, print, passed } = setUp()
  for (const part of ['[ 1.0] all well\r\n[ 1.1] Kernel pa', 'nic - not syncing: No working init found.', '\r\nmore\n'])
    print(part)
  print('[ 2.0] Kernel panic - not syncing: another\n')
  expect(watch.error()).toMatchObject({
    code: 'run.panic',
    message: expect.stringContaining('panicked: No working init found.;') as string,
  })
  expect(passed()).toContain('all well')
})

test('ordinary output is no panic, and endless lines are not kept', () => {
  const { watch, print } = setUp()
  for (let i = 0; i < 100; i++) print('x'.repeat(10_000))
  print('\nfine\n')
  expect(watch.error()).toBeUndefined()
})
