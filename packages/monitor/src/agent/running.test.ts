import { expect, test } from 'vitest'
import { Channel } from './channel.ts'
import { GuestProcess } from './running.ts'

/** The device's end of a channel, with what the guest has sent and nobody has taken yet. */
function guestSends(channel: Channel, pieces: string[]): () => void {
  const deliver = (): void => {
    while (pieces.length > 0 && channel.wantsMore()) channel.write(new TextEncoder().encode(pieces.shift()))
  }
  channel.connect({ send: bytes => bytes.length, queuedBytes: 0, setOpen: () => undefined, resume: deliver })
  return deliver
}

test('a command that has ended is over when a slow listener has taken the last of its output', async () => {
  const channels = { stdin: new Channel('in'), stdout: new Channel('out'), stderr: new Channel('err') }
  let seen = ''
  const listenSlowly = (bytes: Uint8Array): void => {
    seen += new TextDecoder().decode(bytes)
    command.holdOutput(true)
  }
  const worker = { id: 1, pid: 20, group: 20, channels }
  const output = { onStdout: listenSlowly, onStderr: listenSlowly }
  const command: GuestProcess = new GuestProcess(worker, false, output, () => undefined)
  guestSends(channels.stderr, ['E', 'F'])
  guestSends(channels.stdout, ['a', 'b', 'c'])()
  command.didEnd(3)
  while (!command.end) {
    const before = seen
    command.holdOutput(false)
    expect(seen.length - before.length, 'taken while it was held').toBeLessThanOrEqual(1)
  }
  expect(seen).toBe('abcEF')
  expect(await command.wait()).toEqual({ exitCode: 3 })
})
