import { DoppelError } from '@doppel/base'
import type { DiskRate } from '@doppel/monitor'
import { readRate } from '../../run/network.ts'
import { limitsMessage } from '../../sdk/limits.ts'
import type { MachineLimits } from '../../sdk/options.ts'
import type { Command, Invocation } from '../command.ts'
import { ask } from '../machines.ts'
import { readDiskRate, readFraction, readLatency, readMemory } from '../run-options.ts'

/** `doppel set`: limits of a machine that runs. */
export const setCommand: Command = {
  name: 'set',
  summary: 'change the limits of a running machine',
  usage: 'FLAGS MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'cap', value: 'FRACTION', summary: "the most it may have of a processor's time: 0.5 is a half, 1 no cap" },
    { name: 'latency', value: 'batch|realtime', summary: 'realtime: go on at the moment a timer is due' },
    { name: 'memory', short: 'm', value: 'SIZE', summary: 'memory for the guest, of what it was made with: 256M' },
    { name: 'disk-rate', value: 'RATE|none', summary: 'let so many bytes a second through to each disk, e.g. 50M' },
    { name: 'disk-operations', value: 'N|none', summary: 'let so many requests a second through to each disk' },
    { name: 'network-rate', value: 'RATE|none', summary: 'let so many bits a second through each way, e.g. 100M' },
  ],
  examples: [
    ['doppel set --cap 0.5 web', 'at most half of a processor'],
    ['doppel set --memory 256M --disk-rate 20M web', 'less memory, a slower disk'],
    ['doppel set --network-rate none web', 'as fast as it goes'],
  ],
  async run(invocation) {
    const limits = readLimits(invocation)
    if (Object.keys(limits).length === 0) {
      throw new DoppelError('cli.arguments', 'nothing to set; for example: doppel set --cap 0.5 web')
    }
    await ask(invocation, invocation.arguments[0] ?? '', limitsMessage(limits))
    return 0
  },
}

/** The limits that the flags name. Throws `cli.flag-value`. */
function readLimits(invocation: Invocation): MachineLimits {
  const value = (flag: string): string | undefined => invocation.value(flag)
  const [bytes, operations, network] = ['disk-rate', 'disk-operations', 'network-rate'].map(value)
  const given = (text: string | undefined): string | undefined => (text === 'none' ? undefined : text)
  const diskRate: DiskRate = {
    ...(bytes === 'none' && { bytesPerSecond: Infinity }),
    ...(operations === 'none' && { operationsPerSecond: Infinity }),
    ...readDiskRate(given(bytes), given(operations)).diskRate,
  }
  const cap = readFraction('cap', value('cap'))
  const memory = value('memory')
  return {
    ...(cap !== undefined && { cap }),
    ...readLatency(value('latency')),
    ...(memory !== undefined && { memory: readMemory(memory) }),
    ...((bytes ?? operations) !== undefined && { diskRate }),
    ...(network !== undefined && { networkRate: network === 'none' ? Infinity : readRate(network) }),
  }
}
