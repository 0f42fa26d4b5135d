import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { NetworkPolicy } from '@doppel/monitor'
import { runtimeFolder } from '../control/entries.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A network that machines of any process join by its name. */
export interface NetworkDefinition {
  readonly name: string
  readonly policy: NetworkPolicy
  readonly createdMs: number
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/
/** What `--network` means besides names. */
const RESERVED = ['nat', 'none', 'host', 'bridge']

const folderOf = (env: Environment): string => join(runtimeFolder(env), 'networks')
/** Where a network's definition is; whoever carries the network claims it. */
export function definitionPath(name: string, env: Environment): string {
  return join(folderOf(env), `${name}.json`)
}
/** Where the process that carries a network listens. */
export function networkSocket(name: string, env: Environment): string {
  return join(folderOf(env), `${name}.sock`)
}

/** Records a network. Throws `net.name` for a name that is no name or taken. */
export async function createNetwork(definition: NetworkDefinition, env: Environment): Promise<void> {
  const { name } = definition
  if (!NAME.test(name) || RESERVED.includes(name)) {
    throw new DoppelError('net.name', `'${name}' is no name; use letters, digits, '.', '_' and '-'`, { name })
  }
  await mkdir(folderOf(env), { recursive: true, mode: 0o700 })
  if ((await listNetworks(env)).some(known => known.name === name)) {
    throw new DoppelError('net.name', `there is a network '${name}' already; doppel network rm ${name} removes it`, {
      name,
    })
  }
  const path = definitionPath(name, env)
  await writeFile(`${path}.new`, JSON.stringify(definition), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Every network that is recorded, by name. */
export async function listNetworks(env: Environment): Promise<NetworkDefinition[]> {
  const files = (await readdir(folderOf(env)).catch(() => [])).filter(file => file.endsWith('.json'))
  const all = await Promise.all(files.map(file => readNetworkFile(join(folderOf(env), file))))
  return all.filter(each => each !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** A network by its name. Throws `net.unknown`. */
export async function findNetwork(name: string, env: Environment): Promise<NetworkDefinition> {
  const found = NAME.test(name) ? await readNetworkFile(definitionPath(name, env)) : undefined
  if (found) return found
  throw new DoppelError('net.unknown', `there is no network '${name}'; doppel network create ${name} makes one`, {
    name,
  })
}

/** Forgets a network; machines that are in it stay until they end. Throws `net.unknown`. */
export async function removeNetwork(name: string, env: Environment): Promise<void> {
  await findNetwork(name, env)
  await rm(definitionPath(name, env))
}

async function readNetworkFile(path: string): Promise<NetworkDefinition | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as NetworkDefinition)
}
