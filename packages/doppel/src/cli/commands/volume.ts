import { DoppelError } from '@doppel/base'
import { stateOf } from '../../control/entries.ts'
import { nowMs } from '../../control/start-process.ts'
import { findVolume, listVolumes, makeVolume, removeVolume } from '../../host/volumes.ts'
import type { Command } from '../command.ts'
import { ago, entriesOf, JSON_FLAG, printJson, printNames } from '../machines.ts'
import { textTable } from '../table.ts'

/** `doppel volume`, a row each. */
export const VOLUME_COMMANDS: readonly Command[] = [
  {
    name: 'volume create',
    summary: 'make a folder that machines share by its name: run -v NAME:/path',
    usage: 'NAME',
    minArguments: 1,
    maxArguments: 1,
    flags: [JSON_FLAG],
    examples: [['doppel volume create data', 'doppel run -v data:/data makes it too']],
    async run(invocation) {
      await makeVolume(invocation.arguments[0] ?? '', invocation.env)
      printNames(invocation, invocation.arguments)
      return 0
    },
  },
  {
    name: 'volume ls',
    summary: 'list volumes',
    usage: '',
    minArguments: 0,
    maxArguments: 0,
    flags: [JSON_FLAG],
    examples: [['doppel volume ls', 'names, ages and folders']],
    async run(invocation) {
      const all = await listVolumes(invocation.env)
      if (invocation.has('json')) printJson(invocation, all)
      else {
        const rows = all.map(({ name, path, createdMs }) => [name, ago(nowMs() - createdMs), path])
        invocation.streams.stdout(textTable([['NAME', 'CREATED', 'FOLDER'], ...rows]))
      }
      return 0
    },
  },
  {
    name: 'volume inspect',
    summary: 'tell everything about volumes, as JSON',
    usage: 'NAME…',
    minArguments: 1,
    maxArguments: 100,
    flags: [],
    examples: [['doppel volume inspect data', 'where it is']],
    async run(invocation) {
      printJson(invocation, await Promise.all(invocation.arguments.map(name => findVolume(name, invocation.env))))
      return 0
    },
  },
  {
    name: 'volume rm',
    summary: 'remove volumes with all that is in them',
    usage: 'NAME…',
    minArguments: 1,
    maxArguments: 100,
    flags: [JSON_FLAG],
    examples: [['doppel volume rm data', 'refused while a machine that is recorded uses it']],
    async run(invocation) {
      for (const name of invocation.arguments) {
        const { path } = await findVolume(name, invocation.env)
        const uses = ({ hostPath }: { readonly hostPath: string }): boolean => hostPath === path
        const users = (await entriesOf(invocation).all()).filter(
          ({ spec }) => 'options' in spec && spec.options.volumes.some(uses),
        )
        if (users.length > 0) {
          const who = users.map(user => `${user.name} (${stateOf(user)})`).join(', ')
          throw new DoppelError('volume.in-use', `${name} is a volume of ${who}; remove that first`, { name })
        }
        await removeVolume(name, invocation.env)
      }
      printNames(invocation, invocation.arguments)
      return 0
    },
  },
]
