import { type CharPort, utf8Bytes, utf8Text } from '@doppel/base'
import { expect, test } from 'vitest'
import { gatherOutput } from './gathered-output.ts'

function recorded(): { readonly port: CharPort; readonly writes: string[]; readonly type: (text: string) => void } {
  const writes: string[] = []
  let receive: (bytes: Uint8Array) => void = () => undefined
  const port: CharPort = {
    write: bytes => void writes.push(utf8Text(bytes)),
    onInput: listener => void (receive = listener),
  }
  return { port, writes, type: text => receive(utf8Bytes(text)) }
}

test('what is printed byte by byte in one slice arrives at once, after it', async () => {
  const { port, writes } = recorded()
  const gathered = gatherOutput(port)
  for (const byte of utf8Bytes('one')) gathered.write(Uint8Array.of(byte))
  expect(writes).toEqual([])
  await Promise.resolve()
  expect(writes).toEqual(['one'])
  gathered.write(utf8Bytes('two'))
  await Promise.resolve()
  expect(writes).toEqual(['one', 'two'])
})

test('much output does not wait, and stays in order', async () => {
  const { port, writes } = recorded()
  const gathered = gatherOutput(port)
  const text = Array.from({ length: 2000 }, (_, i) => `line ${i}\n`).join('')
  for (const byte of utf8Bytes(text)) gathered.write(Uint8Array.of(byte))
  gathered.write(utf8Bytes(text))
  expect(writes.length).toBeGreaterThan(2)
  await Promise.resolve()
  expect(writes.join('')).toBe(text + text)
})

test('whoever is given bytes may keep them', async () => {
  const kept: Uint8Array[] = []
  const gathered = gatherOutput({ write: bytes => void kept.push(bytes), onInput: () => undefined })
  for (const text of ['first', 'other']) {
    gathered.write(utf8Bytes(text))
    await Promise.resolve()
  }
  expect(kept.map(utf8Text)).toEqual(['first', 'other'])
})

test('input and the size pass through', () => {
  const { port, type } = recorded()
  let typed = ''
  const gathered = gatherOutput({ ...port, size: () => ({ columns: 80, rows: 24 }) })
  gathered.onInput(bytes => void (typed += utf8Text(bytes)))
  type('hello')
  expect([typed, gathered.size?.(), 'onResize' in gathered]).toEqual(['hello', { columns: 80, rows: 24 }, false])
})
