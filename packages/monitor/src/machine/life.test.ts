import type { MachineBody } from '@doppel/base'
import { expect, test } from 'vitest'
import { MachineLife, type MachineState } from './life.ts'

/** A body whose guest does nothing until it is told to end. */
function idleBody(): MachineBody<string> & { readonly log: string[] } {
  const log: string[] = []
  const ended = Promise.withResolvers<string>()
  return {
    log,
    run: () => ended.promise,
    stop: () => ended.resolve('stopped'),
    pause: async () => {
      await Promise.resolve()
      log.push('paused')
    },
    resume: () => void log.push('resumed'),
    close: async () => {
      await Promise.resolve()
      log.push('closed')
    },
  }
}

test('a machine is created, runs, pauses, goes on and ends; what it held is given back before anyone hears', async () => {
  const body = idleBody()
  const states: MachineState[] = []
  const life = new MachineLife(body, state => states.push(state))
  expect(life.state).toBe('created')
  life.start()
  await life.pause()
  await life.resume()
  await life.kill()
  expect(await life.wait()).toBe('stopped')
  expect(states).toEqual(['running', 'paused', 'running', 'ended'])
  expect(body.log).toEqual(['paused', 'resumed', 'closed'])
})

test('steps that make no sense are refused', async () => {
  const life = new MachineLife(idleBody())
  await expect(life.pause()).rejects.toThrow('which is created')
  life.start()
  expect(() => life.start()).toThrow('which is running')
  await life.kill()
  await expect(life.resume()).rejects.toThrow('which is ended')
})

test('pausing and resuming twice is as good as once', async () => {
  const body = idleBody()
  const life = new MachineLife(body)
  life.start()
  await Promise.all([life.pause(), life.pause()])
  await Promise.all([life.resume(), life.resume()])
  expect(body.log).toEqual(['paused', 'resumed'])
  await life.kill()
})

test('what is done while a machine stands still cannot be disturbed; a paused machine stays paused', async () => {
  const life = new MachineLife(idleBody())
  life.start()
  const seen = await life.whilePaused(async () => {
    await life.resume()
    return life.state
  })
  expect([seen, life.state]).toEqual(['paused', 'running'])
  await life.pause()
  await life.whilePaused(() => Promise.resolve())
  expect(life.state).toBe('paused')
  await life.kill()
})

test('of two who look at a machine at once, the last lets it go on', async () => {
  const life = new MachineLife(idleBody())
  life.start()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const looks = [life.whilePaused(() => first.promise), life.whilePaused(() => second.promise)]
  second.resolve()
  await looks[1]
  expect(life.state).toBe('paused')
  first.resolve()
  await looks[0]
  expect(life.state).toBe('running')
  await life.kill()
})

test('a machine that is paused or resumed while someone looks at it is so afterwards', async () => {
  const life = new MachineLife(idleBody())
  life.start()
  await life.whilePaused(() => life.pause())
  expect(life.state).toBe('paused')
  await life.whilePaused(() => life.resume())
  expect(life.state).toBe('running')
  await life.kill()
})

test('killing a machine that never ran gives back what it held', async () => {
  const body = idleBody()
  const life = new MachineLife(body)
  await life.kill()
  expect(body.log).toEqual(['closed'])
  await expect(life.wait()).rejects.toThrow('before it was started')
})
