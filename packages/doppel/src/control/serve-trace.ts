import { DoppelError } from '@doppel/base'
import type { Machine } from '../sdk/machine.ts'
import { readSymbolFile } from '../run/symbols.ts'
import { checkedTrace } from '../run/trace-options.ts'
import type { Message, Session } from './operation.ts'

/** Traces a machine for a client. One that does not keep up has the machine wait: nothing is lost, and little is kept. */
export async function serveTrace(machine: Machine, message: Message, session: Session): Promise<Message> {
  const options = checkedTrace(message['trace'])
  const files = Array.isArray(message['symbols']) ? message['symbols'].map(file => readSymbolFile(String(file))) : []
  const encoder = new TextEncoder()
  let isHeld = false
  const hold = async (isSlow: boolean): Promise<void> => {
    if (isSlow === isHeld || (machine.state !== 'running' && machine.state !== 'paused')) return
    isHeld = isSlow
    try {
      await (isSlow ? machine.pause() : machine.resume())
    } catch (error) {
      // One that has ended meanwhile waits no more.
      if (!(error instanceof DoppelError && error.code === 'machine.state')) throw error
    }
  }
  session.onDrain(() => void hold(false))
  const trace = await machine.views.trace({ ...options, ...(files.length > 0 && { symbols: files }) }, text => {
    if (text !== '' && !session.output(encoder.encode(text))) void hold(true)
  })
  session.say({ event: 'tracing' })
  await Promise.race([trace.over, session.gone])
  await hold(false)
  await trace.end()
  return {}
}
