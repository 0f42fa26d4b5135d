import { closeSync, openSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { DoppelError, hostClock } from '@doppel/base'
import { type OutputStream } from '@doppel/pcode'
import { bootSystem, MAX_DISKS, type PMachine, type VolumeDate } from '@doppel/pcode/ucsd'
import type { Invocation } from '../../cli/command.ts'
import { readTimeout } from '../../cli/read-timeout.ts'
import type { ProgramRun, ProgramWorld } from '../../program/program-world.ts'
import { type AskedProgram, runProgramAsAsked } from '../../program/run-program.ts'
import { type HostConsole, openConsole } from './console.ts'
import { type DiskFile, openDiskFile } from './disk-file.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124

/** Runs the p-System of a volume as its command line says: its exit status. Throws `ucsd.*`. */
export async function runVolume(invocation: Invocation): Promise<number> {
  return await runProgramAsAsked(invocation, {
    ...recordedVolume(invocation),
    start: world => startVolume(invocation, world),
  })
}

/** Records the p-System of a volume, to be started later: the exit status. Throws `cli.arguments`. */
export async function createVolume(invocation: Invocation): Promise<number> {
  const { createRecorded } = await import('../../program/record-program.ts')
  return await createRecorded(invocation, recordedVolume(invocation))
}

function recordedVolume({ arguments: specs, words }: Invocation): Pick<AskedProgram, 'program' | 'image' | 'words'> {
  if (specs.length > MAX_DISKS) {
    throw new DoppelError('cli.arguments', `${specs.length} volumes; a p-System has units for ${MAX_DISKS}`)
  }
  return { program: 'p-system', image: basename(specs[0] ?? ''), words }
}

/** Boots the p-System of the first volume, at this terminal, over pipes, or in a world of its own. Throws `ucsd.*`. */
export async function startVolume(invocation: Invocation, world: ProgramWorld): Promise<ProgramRun> {
  const timeoutMs = readTimeout(invocation.value('timeout'))
  const files: DiskFile[] = []
  const printer = invocation.value('printer')
  const close = async (): Promise<void> => {
    for (const file of files) await file.close()
  }
  let console: HostConsole | undefined
  try {
    for (const spec of invocation.arguments) files.push(await openDiskFile(spec, invocation.env))
    const clock = hostClock()
    console = openConsole(world)
    const machine = bootSystem({
      disks: files.map(({ disk }) => disk),
      console,
      clock,
      date: today(clock.realtimeNs()),
      ...(printer === undefined ? {} : { units: { printer: printerTo(printer) } }),
    })
    return runSystem(machine, console, world, timeoutMs, close)
  } catch (error) {
    await console?.close()
    await close()
    throw error
  }
}

/** A p-System's addresses are 16 bits, of words. */
const MEMORY_BYTES = 1 << 17

function runSystem(
  machine: PMachine,
  console: HostConsole,
  world: ProgramWorld,
  timeoutMs: number | undefined,
  close: () => Promise<void>,
): ProgramRun {
  let ended: number | undefined
  const end = (status: number): void => {
    ended ??= status
    console.cut()
  }
  const timeUp = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => end(TIMED_OUT), timeoutMs + 1)
  const run = async (): Promise<number> => {
    try {
      await machine.run(async () => {
        await world.turns.look()
        if (performance.now() > timeUp) end(TIMED_OUT)
        return ended !== undefined
      })
      return ended ?? 0
    } finally {
      clearTimeout(timer)
      await console.close()
      await close()
    }
  }
  return { status: run(), end, memoryLimitBytes: MEMORY_BYTES }
}

function today(realtimeNs: bigint): VolumeDate {
  const date = new Date(Number(realtimeNs / 1_000_000n))
  return { year: date.getFullYear() % 100, month: date.getMonth() + 1, day: date.getDate() }
}

/** A file that the printer's pages go to. Throws `ucsd.printer`. */
function printerTo(path: string): OutputStream {
  let descriptor: number
  try {
    descriptor = openSync(path, 'w')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DoppelError('ucsd.printer', `${path} cannot be written (${code})`, { path, code }, cause)
  }
  return {
    write: bytes => {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    },
    close: () => closeSync(descriptor),
  }
}
