import { nowMs } from '../../control/start-process.ts'
import { createNetwork, findNetwork, listNetworks, removeNetwork } from '../../network/definitions.ts'
import type { Command } from '../command.ts'
import { ago, JSON_FLAG, printJson, printNames } from '../machines.ts'
import { textTable } from '../table.ts'

const policyText = (words: readonly string[] | undefined): string => (words === undefined ? 'public' : words.join(' '))

/** `doppel network`, a row each. */
export const NETWORK_COMMANDS: readonly Command[] = [
  {
    name: 'network create',
    summary: 'make a network for machines to join with run --network NAME',
    usage: '[FLAGS] NAME',
    minArguments: 1,
    maxArguments: 1,
    flags: [
      { name: 'allow', value: 'WHAT', multiple: true, summary: 'let its machines reach only such names and addresses' },
      { name: 'deny', value: 'WHAT', multiple: true, summary: 'never let them reach these' },
      { name: 'internal', summary: 'let them reach only one another' },
      JSON_FLAG,
    ],
    examples: [
      ['doppel network create lab', 'then doppel run -d --network lab linux, as often as wanted'],
      ['doppel network create --internal cell', 'no way out'],
    ],
    async run(invocation) {
      const { arguments: names, values, has, env } = invocation
      const [name = ''] = names
      const [allow, deny] = [values('allow'), values('deny')]
      const policy = { ...(has('internal') ? { allow: [] } : allow.length > 0 && { allow }), deny }
      await createNetwork({ name, policy, createdMs: nowMs() }, env)
      printNames(invocation, names)
      return 0
    },
  },
  {
    name: 'network ls',
    summary: 'list networks',
    usage: '',
    minArguments: 0,
    maxArguments: 0,
    flags: [JSON_FLAG],
    examples: [['doppel network ls', 'and what their machines may reach']],
    async run(invocation) {
      const all = await listNetworks(invocation.env)
      if (invocation.has('json')) printJson(invocation, all)
      else {
        const rows = all.map(({ name, policy, createdMs }) => [
          name,
          policyText(policy.allow) || 'nothing outside',
          policyText(policy.deny ?? []) || '-',
          ago(nowMs() - createdMs),
        ])
        invocation.streams.stdout(textTable([['NAME', 'ALLOW', 'DENY', 'CREATED'], ...rows]))
      }
      return 0
    },
  },
  {
    name: 'network inspect',
    summary: 'tell everything about networks, as JSON',
    usage: 'NAME…',
    minArguments: 1,
    maxArguments: 100,
    flags: [],
    examples: [['doppel network inspect lab', 'its policy']],
    async run(invocation) {
      printJson(invocation, await Promise.all(invocation.arguments.map(name => findNetwork(name, invocation.env))))
      return 0
    },
  },
  {
    name: 'network rm',
    summary: 'remove networks; machines that are in one keep it until they end',
    usage: 'NAME…',
    minArguments: 1,
    maxArguments: 100,
    flags: [JSON_FLAG],
    examples: [['doppel network rm lab', 'no machine can join it any more']],
    async run(invocation) {
      for (const name of invocation.arguments) await removeNetwork(name, invocation.env)
      printNames(invocation, invocation.arguments)
      return 0
    },
  },
]
