import { hostClock } from '@doppel/base'
import { expect, test } from 'vitest'
import { hostTasks } from './host-tasks.ts'

test('yielding lets a timer of the host fire, and can be done again', async () => {
  const host = hostTasks()
  let fired = false
  setTimeout(() => {
    fired = true
  }, 0)
  while (!fired) await host.yield()
  expect(fired).toBe(true)
  host.close()
})

test('a timer that is due has to wait for few turns only', async () => {
  const [host, clock] = [hostTasks(), hostClock()]
  // From here on this runs in a task of the host's.
  await host.yield()
  let fired = false
  setTimeout(() => {
    fired = true
  }, 1)
  const beganNs = clock.monotonicNs()
  while (clock.monotonicNs() - beganNs < 20e6);
  let turns = 0
  for (; !fired; turns++) await host.yield()
  expect(turns).toBeLessThan(100)
  host.close()
})

test('a sleep ends when woken, long before its time', async () => {
  const host = hostTasks()
  const sleep = host.sleep(3_600_000)
  sleep.wake()
  await sleep.done
  expect(await host.sleep(0).done).toBeUndefined()
  host.close()
})
