import { resolve } from 'node:path'
import { DoppelError, PAGE_BYTES, type Saved } from '@doppel/base'
import { type ArrivedMachine, type FrozenDisk, Holders, type MachineTarget, savedDisk } from '@doppel/monitor'
import type { ReceivedPages } from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'
import { openFrozenDisk } from '../run/disks.ts'
import type { MachineSource } from '../sdk/image.ts'
import { Machine } from '../sdk/machine.ts'
import type { MachineDescription, MovedState } from './moving.ts'

/** A machine that has come, standing still, and what came with it. */
export interface Arrived extends ArrivedMachine {
  readonly machine: Machine
  readonly state: MovedState
}

/**
 * Takes machines that are as these options say, and no others: what comes names no file of this computer's. `claim` makes
 * the machine this end's, or returns false.
 */
export function machineTarget(
  image: string,
  options: RunOptions,
  claim: () => Promise<boolean>,
): MachineTarget<Arrived> {
  let description: MachineDescription | undefined
  return {
    welcome: (said, spaces) => {
      description = checked(said, options)
      const memoryPages = options.memoryBytes / PAGE_BYTES
      if (spaces.get('memory') !== memoryPages) throw mismatch(`its memory is not ${memoryPages} pages`)
      for (const [i, disk] of description.disks.entries()) {
        const pages = disk.mode === 'read-write' ? undefined : Math.ceil(disk.sizeBytes / PAGE_BYTES)
        if (spaces.get(`disk${i}`) !== pages) throw mismatch(`its disk ${i} does not have ${pages ?? 'no'} pages`)
      }
    },
    build: async (said, spaces) => {
      const state = said as unknown as MovedState
      if (state.version !== 1) throw new DoppelError('migrate.version', `a machine of version ${String(state.version)}`)
      const { disks, pid } = description as MachineDescription
      const frozen = frozenMachine(image, options, state, disks, spaces)
      const machine = await Machine.arrive(frozen, state, pid)
      return {
        machine,
        state,
        claim,
        run: async () => {
          if (!state.isPaused) await machine.resume()
        },
        discard: () => machine.kill(),
      }
    },
  }
}

const mismatch = (what: string): DoppelError =>
  new DoppelError('migrate.mismatch', `the machine does not fit what was prepared for it here: ${what}`)

/** Throws `migrate.mismatch`. */
function checked(said: Saved, options: RunOptions): MachineDescription {
  const description = said as unknown as MachineDescription
  const here = {
    cpus: options.cpus,
    memoryBytes: options.memoryBytes,
    disks: options.disks.map(({ mode }) => mode).join(', '),
    volumes: options.volumes.map(({ guestPath }) => guestPath).join(', '),
    network: options.network.mode === 'none' ? 'none' : (options.network.name ?? 'nat'),
  }
  const isList = Array.isArray(description.disks) && Array.isArray(description.volumes)
  if (!isList || typeof description.pid !== 'number') throw mismatch('its description is none')
  const there: typeof here = {
    ...description,
    disks: description.disks.map(({ mode }) => mode).join(', '),
    volumes: description.volumes.join(', '),
  }
  for (const key of Object.keys(here) as (keyof typeof here)[]) {
    if (here[key] !== there[key]) throw mismatch(`its ${key}: ${String(there[key])} there, ${here[key]} here`)
  }
  return description
}

function frozenMachine(
  image: string,
  options: RunOptions,
  { board, agent, frozenMs }: MovedState,
  described: MachineDescription['disks'],
  spaces: ReadonlyMap<string, ReceivedPages>,
): MachineSource {
  const memory = spaces.get('memory') as ReceivedPages
  const opened: FrozenDisk[] = []
  const holders = new Holders(async () => {
    for (const disk of opened.splice(0)) await disk.release()
  })
  const disks = async (): Promise<(FrozenDisk | undefined)[]> => {
    const all: (FrozenDisk | undefined)[] = []
    for (const [i, { file, sizeBytes }] of described.entries()) {
      const pages = spaces.get(`disk${i}`)
      const path = options.disks[i]?.path
      // One that it writes is opened as at any start.
      if (!pages || path === undefined) {
        all.push(undefined)
        continue
      }
      const base = file && (await openFrozenDisk(resolve(path), options.env, { ...file, path }))
      const disk = savedDisk(pages, sizeBytes, base)
      await base?.release()
      opened.push(disk)
      all.push(disk)
    }
    return all
  }
  return {
    image,
    options,
    board,
    agent,
    frozenMs,
    pages: memory,
    pageCount: memory.pageCount,
    disks,
    retain: holders.retain,
    release: holders.release,
  }
}
