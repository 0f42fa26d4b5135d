import { DoppelError, MIB } from '@doppel/base'
import { Machine } from 'doppel'
import { expect, test } from 'vitest'

test('a guest that takes the memory which the host is to keep ends with a clear error; its neighbour goes on', async () => {
  await using neighbour = await Machine.create('linux', { memory: '128M', network: 'none' })
  await using greedy = await Machine.create('linux', { memory: '3500M', network: 'none' })
  // As if the host were so much smaller.
  process.env['DOPPEL_HOST_RESERVE'] = `${Math.floor(process.availableMemory() / MIB) - 400}M`
  const ended = greedy.wait().catch((error: unknown) => error)
  const taking = greedy.commands
    .run('mount -o remount,size=100% /tmp; dd if=/dev/zero of=/tmp/all bs=1M')
    .catch((error: unknown) => error)
  const error = await ended
  expect(error).toBeInstanceOf(DoppelError)
  expect(error).toMatchObject({ code: 'machine.host-memory' })
  expect(await taking).toMatchObject({ code: 'machine.ended' })
  expect([greedy.state, (await neighbour.commands.run('echo here')).stdout]).toEqual(['ended', 'here\n'])
})
