import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { DoppelError, formatSize, MIB } from '@doppel/base'
import { cacheFolder, chooseMirror, useHostProxy } from '@doppel/images'
import { engineFeatures } from '../../host/probes.ts'
import type { Command } from '../command.ts'
import { textTable } from '../table.ts'

/** One thing looked at. */
interface Finding {
  readonly name: string
  /** `missing`: doppel cannot work without it; `absent`: it does, less well. */
  readonly state: 'ok' | 'absent' | 'missing'
  readonly detail: string
}

/** What the linux image and its packages take, and some air. */
const WANTED_CACHE_BYTES = 400 * MIB
const WANTED_MEMORY_BYTES = 512 * MIB
const MIRROR_WAIT_MS = 10_000

/** `doppel doctor`. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'say what this computer can do for doppel',
  usage: '[--json]',
  minArguments: 0,
  maxArguments: 0,
  flags: [{ name: 'json', summary: 'print JSON' }],
  examples: [['doppel doctor', 'a table; exit status 1 when something needed is missing']],
  async run({ env, streams, has }) {
    const findings = [
      ...((process.versions.node.split('.').map(Number).at(0) ?? 0) >= 26
        ? [{ name: 'Node', state: 'ok', detail: process.versions.node } as const]
        : [{ name: 'Node', state: 'missing', detail: `${process.versions.node}; 26 or newer is needed` } as const]),
      ...engineFeatures().map(
        ({ name, present, needed }): Finding => ({
          name,
          state: present ? 'ok' : needed ? 'missing' : 'absent',
          detail: present ? '' : needed ? 'needed' : 'not needed yet',
        }),
      ),
      { name: 'cores', state: 'ok', detail: String(availableParallelism()) } satisfies Finding,
      memory(),
      await kvm(),
      await cache(env),
      await mirror(env),
    ]
    if (has('json')) streams.stdout(`${JSON.stringify(findings, undefined, 2)}\n`)
    else streams.stdout(textTable([['WHAT', 'STATE', 'DETAIL'], ...findings.map(f => [f.name, f.state, f.detail])]))
    return findings.some(finding => finding.state === 'missing') ? 1 : 0
  },
}

function memory(): Finding {
  const detail = `${formatSize(freemem())} free of ${formatSize(totalmem())}`
  return { name: 'memory', state: freemem() >= WANTED_MEMORY_BYTES ? 'ok' : 'absent', detail }
}

async function kvm(): Promise<Finding> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK)
    return { name: '/dev/kvm', state: 'ok', detail: 'readable and writable' }
  } catch (error) {
    return { name: '/dev/kvm', state: 'absent', detail: `${(error as NodeJS.ErrnoException).code}; not needed` }
  }
}

async function cache(env: Readonly<Record<string, string | undefined>>): Promise<Finding> {
  try {
    const folder = cacheFolder(env)
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
    const { bavail, bsize } = await statfs(folder)
    const free = bavail * bsize
    const detail = `${folder}, ${formatSize(free)} free`
    if (free < WANTED_CACHE_BYTES) {
      return { name: 'cache', state: 'missing', detail: `${detail}; ${formatSize(WANTED_CACHE_BYTES)} are wanted` }
    }
    return { name: 'cache', state: 'ok', detail }
  } catch (error) {
    return { name: 'cache', state: 'missing', detail: (error as Error).message }
  }
}

async function mirror(env: Readonly<Record<string, string | undefined>>): Promise<Finding> {
  try {
    const { url, source } = chooseMirror(env)
    useHostProxy()
    const address = `${url}/dists/trixie/InRelease`
    const response = await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(MIRROR_WAIT_MS) })
    const detail = `${url} (${source}) answers ${response.status}`
    return { name: 'mirror', state: response.ok ? 'ok' : 'absent', detail }
  } catch (error) {
    const reason = error instanceof DoppelError ? error.message : 'no answer; images that are here still run'
    return { name: 'mirror', state: 'absent', detail: reason }
  }
}
