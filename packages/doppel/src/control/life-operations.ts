import { DoppelError } from '@doppel/base'
import { type CpuLimits, cpuLimits } from '@doppel/monitor'
import { checkSize } from '../guest/pty.ts'
import type { MachineLimits } from '../sdk/options.ts'
import { type Message, milliseconds, type Operation, text } from './operation.ts'
import type { LifeEnd, LivingMachine } from './living-machine.ts'

/** The limits that a message names. A rate of 0 lifts it: JSON has no infinity. */
function limitsOf(message: Message): MachineLimits {
  const number = (key: string): number | undefined => {
    const value = message[key]
    if (value === undefined || typeof value === 'number') return value
    throw new DoppelError('control.message', `'${key}' must be a number`)
  }
  const rate = (key: string): number | undefined => {
    const value = number(key)
    return value === 0 ? Infinity : value
  }
  const [share, cap, entitlement, memory] = ['share', 'cap', 'entitlement', 'memory'].map(number)
  const [bytesPerSecond, operationsPerSecond, networkRate] = ['diskRate', 'diskOperations', 'networkRate'].map(rate)
  const latency = text(message, 'latency')
  return {
    ...cpuLimits({ share, cap, entitlement, latency: latency as CpuLimits['latency'] }),
    ...(memory !== undefined && { memory }),
    ...((bytesPerSecond ?? operationsPerSecond) !== undefined && {
      diskRate: {
        ...(bytesPerSecond !== undefined && { bytesPerSecond }),
        ...(operationsPerSecond !== undefined && { operationsPerSecond }),
      },
    }),
    ...(networkRate !== undefined && { networkRate }),
  }
}

/** What of an end can be told as JSON. */
function toldEnd({ kind, code }: LifeEnd): Message {
  return { kind, ...(code !== undefined && { code }) }
}

/** What every machine does for a client, of whatever kind it is. A new operation is one row here. */
export const LIFE_OPERATIONS: readonly Operation<LivingMachine>[] = [
  {
    name: 'inspect',
    run: machine => Promise.resolve(machine.figures()),
  },
  {
    name: 'attach',
    async run(machine, message, session) {
      const [columns, rows] = [message['columns'], message['rows']]
      const size = typeof columns === 'number' && typeof rows === 'number' ? { columns, rows } : undefined
      if (size) checkSize(size)
      const leave = machine.console.attach({ write: bytes => void session.output(bytes), size })
      session.onInput(bytes => (bytes ? machine.console.type(bytes) : undefined))
      const ended = machine.wait().then(
        () => undefined,
        () => undefined,
      )
      await Promise.race([session.gone, ended])
      leave()
      return {}
    },
  },
  {
    // The machine ends when its owner has gone.
    name: 'hold',
    async run(machine, _message, session) {
      session.say({ event: 'held' })
      const ended = machine.wait().then(toldEnd, () => ({ kind: 'stopped' }))
      const end = await Promise.race([session.silent, ended])
      if (end) return end
      await machine.kill()
      return {}
    },
  },
  {
    name: 'wait',
    run: async machine => toldEnd(await machine.wait()),
  },
  {
    name: 'pause',
    async run(machine) {
      await machine.pause()
      return {}
    },
  },
  {
    name: 'resume',
    async run(machine) {
      await machine.resume()
      return {}
    },
  },
  {
    name: 'set',
    async run(machine, message) {
      machine.setLimits(limitsOf(message))
      return await Promise.resolve({})
    },
  },
  {
    name: 'stop',
    async run(machine, message) {
      const graceMs = milliseconds(message, 'graceMs')
      await machine.stop(graceMs === undefined ? {} : { graceMs })
      return {}
    },
  },
  {
    name: 'kill',
    async run(machine) {
      await machine.kill()
      return {}
    },
  },
]
