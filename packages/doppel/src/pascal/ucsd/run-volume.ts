import { closeSync, openSync, writeSync } from 'node:fs'
import { DoppelError, hostClock } from '@doppel/base'
import { type OutputStream } from '@doppel/pcode'
import { bootSystem, MAX_DISKS, type PMachine, type VolumeDate } from '@doppel/pcode/ucsd'
import type { Invocation } from '../../cli/command.ts'
import { readTimeout } from '../../cli/read-timeout.ts'
import { type HostConsole, openConsole } from './console.ts'
import { type DiskFile, openDiskFile } from './disk-file.ts'

/** What timeout(1) returns when it had to end a program. */
const TIMED_OUT = 124
/** How long the system runs before what else this process has to do gets its turn. */
const TURN_MS = 10

/** Boots the p-System of the first volume, and runs it at this terminal or over pipes: its exit status. Throws `ucsd.*`. */
export async function runVolume(invocation: Invocation): Promise<number> {
  const specs = invocation.arguments
  if (specs.length > MAX_DISKS) {
    throw new DoppelError('cli.arguments', `${specs.length} volumes; a p-System has units for ${MAX_DISKS}`)
  }
  const timeoutMs = readTimeout(invocation.value('timeout'))
  const files: DiskFile[] = []
  const printer = invocation.value('printer')
  try {
    for (const spec of specs) files.push(await openDiskFile(spec, invocation.env))
    const clock = hostClock()
    const boot = (console: HostConsole): PMachine =>
      bootSystem({
        disks: files.map(({ disk }) => disk),
        console,
        clock,
        date: today(clock.realtimeNs()),
        ...(printer === undefined ? {} : { units: { printer: printerTo(printer) } }),
      })
    return await runAtConsole(boot, timeoutMs)
  } finally {
    for (const file of files) await file.close()
  }
}

async function runAtConsole(boot: (console: HostConsole) => PMachine, timeoutMs: number | undefined): Promise<number> {
  const console = openConsole()
  const start = performance.now()
  const isOver = (): boolean => timeoutMs !== undefined && performance.now() - start > timeoutMs
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => console.cut(), timeoutMs + 1)
  let turn = start
  try {
    const machine = boot(console)
    await machine.run(async () => {
      if (performance.now() - turn > TURN_MS) {
        await new Promise(resolve => setImmediate(resolve))
        turn = performance.now()
      }
      return isOver()
    })
    return isOver() ? TIMED_OUT : 0
  } finally {
    clearTimeout(timer)
    await console.close()
  }
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
