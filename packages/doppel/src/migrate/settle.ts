import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { DoppelError } from '@doppel/base'
import type { RunningMachine } from '../run/machine.ts'
import type { PublishedPort } from '../run/network.ts'
import type { MachineSource } from '../sdk/image.ts'
import type { MovedState } from './moving.ts'

/** Pages taken in before others may run. */
const PAGES_PER_TURN = 256
/** How long ports may still be the old process's. */
const PUBLISH_MS = 5000
const POLL_MS = 20

/**
 * Publishes a moved machine's ports, and takes all of its memory in, so that what came over the line can be forgotten;
 * gives `from` back. A port that somebody else has taken meanwhile is told of as a warning: the machine goes on.
 */
export async function settle(
  running: RunningMachine,
  from: MachineSource | undefined,
  { published }: MovedState,
): Promise<void> {
  for (const port of published) await publish(running, port)
  const { frames } = running.cpu.engine
  let taken = 0
  for (const page of from?.pages.pages() ?? []) {
    frames.frame(page)
    if (++taken % PAGES_PER_TURN === 0) await turn()
  }
  frames.source = undefined
  await from?.release()
}

async function publish({ network }: RunningMachine, port: PublishedPort): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    try {
      await network?.publish(port)
      return
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      if (waitedMs >= PUBLISH_MS) return process.emitWarning(`port ${port.hostPort} is not published: ${error.message}`)
      await sleep(POLL_MS)
    }
  }
}
