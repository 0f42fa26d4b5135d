import { expect, test } from 'vitest'
import { ProgramTurns } from './turns.ts'

const anEventLater = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

test('a program that runs on lets others have their turn', async () => {
  const turns = new ProgramTurns()
  expect(turns.look()).toBeUndefined()
  let others = 0
  setImmediate(() => others++)
  while (!others) await turns.look()
})

test('a program that is held does not go on, also after a wait of its own, until it is released', async () => {
  const turns = new ProgramTurns()
  await turns.hold()
  let goes = ''
  const looking = turns.look()?.then(() => (goes += 'look '))
  const reading = turns.after(Promise.resolve('input')).then(found => (goes += found))
  for (let i = 0; i < 3; i++) await anEventLater()
  expect(goes).toBe('')
  turns.release()
  await Promise.all([looking, reading])
  expect(goes).toContain('look ')
  expect(goes).toContain('input')
})

test('a program that is to end is not held, whoever governs it', async () => {
  const turns = new ProgramTurns()
  turns.govern({ gate: () => new Promise(() => undefined), ran: () => undefined, idle: () => undefined })
  await turns.hold()
  const looking = turns.look()
  turns.finish()
  await looking
})
