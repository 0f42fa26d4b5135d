import { existsSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { DoppelError, hostClock } from '@doppel/base'
import {
  BLOCK_BYTES,
  emptyVolume,
  fileOfText,
  putVolumeFile,
  readDirectory,
  readVolumeFile,
  textOfFile,
  type VolumeDate,
  type VolumeFile,
} from '@doppel/pcode/ucsd'
import type { Invocation } from '../../cli/command.ts'
import { textTable } from '../../cli/table.ts'
import { readBytes } from '../sources.ts'
import { openDiskFile } from './disk-file.ts'

/** Blocks of a new volume: as many as a diskette of 256 KiB has. */
const DEFAULT_BLOCKS = 512

/** What `doppel pascal volume` does, by its first word. */
const ACTIONS: Readonly<
  Record<string, { readonly words: string; run(words: readonly string[], invocation: Invocation): Promise<void> }>
> = {
  ls: { words: 'VOLUME.vol', run: list },
  get: { words: 'VOLUME.vol NAME [FILE]', run: get },
  put: { words: 'VOLUME.vol FILE [NAME]', run: put },
  new: { words: 'VOLUME.vol [BLOCKS]', run: create },
}

/** Lists a volume of a p-System, or moves files in and out. Throws `ucsd.*`, and `cli.arguments` for no such action. */
export async function volumeFiles(invocation: Invocation): Promise<number> {
  const [name = '', ...words] = invocation.arguments
  const action = ACTIONS[name]
  const expected = Object.entries(ACTIONS).map(([each, { words: usage }]) => `${each} ${usage}`)
  const most = action?.words.split(' ').length ?? 0
  const least = action?.words.split(' ').filter(word => !word.startsWith('[')).length ?? 1
  if (action === undefined || words.length < least || words.length > most) {
    throw new DoppelError('cli.arguments', `expected doppel pascal volume ${expected.join(', or ')}`)
  }
  await action.run(words, invocation)
  return 0
}

async function list([spec = '']: readonly string[], { env, streams, has }: Invocation): Promise<void> {
  const file = await openDiskFile(spec, env, true)
  try {
    const directory = readDirectory(file.disk)
    if (has('json')) {
      streams.stdout(`${JSON.stringify(directory, undefined, 2)}\n`)
      return
    }
    const used = directory.files.reduce((sum, each) => sum + each.nextBlock - each.firstBlock, 6)
    streams.stdout(
      `${directory.name}: ${directory.blocks} blocks, ${directory.blocks - used} free, ${directory.bigEndian ? 'big' : 'little'}-endian\n`,
    )
    const rows = directory.files.map(each => [
      each.name,
      `${each.nextBlock - each.firstBlock}`,
      dateText(each.date),
      `${each.firstBlock}`,
      `${bytesOf(each)}`,
      each.kind,
    ])
    streams.stdout(textTable([['NAME', 'BLOCKS', 'DATE', 'AT', 'BYTES', 'KIND'], ...rows]))
  } finally {
    await file.close()
  }
}
function bytesOf({ firstBlock, nextBlock, lastBytes }: VolumeFile): number {
  return Math.max(0, (nextBlock - firstBlock - 1) * BLOCK_BYTES + lastBytes)
}
/** Years are two digits; systems of the time begin with 1977. */
function dateText(date: VolumeDate | undefined): string {
  if (date === undefined) return '-'
  const two = (number: number): string => `${number}`.padStart(2, '0')
  return `${date.year < 70 ? 2000 + date.year : 1900 + date.year}-${two(date.month)}-${two(date.day)}`
}

async function get([spec = '', name = '', to]: readonly string[], { env, streams }: Invocation): Promise<void> {
  const file = await openDiskFile(spec, env, true)
  try {
    const { file: found, bytes } = readVolumeFile(file.disk, name)
    const content = found.kind === 'text' ? Buffer.from(textOfFile(bytes), 'latin1') : bytes
    if (to !== undefined) writeFileSync(to, content)
    else if (found.kind === 'text') streams.stdout(content.toString())
    else process.stdout.write(content)
  } finally {
    await file.close()
  }
}

async function put([spec = '', from = '', name]: readonly string[], { env, streams }: Invocation): Promise<void> {
  const file = await openDiskFile(spec, env)
  try {
    if (file.disk.readOnly) throw new DoppelError('ucsd.volume-open', `${file.path} is to be read only: leave out :ro`)
    const content = readBytes(from)
    const called = (name ?? basename(from)).toUpperCase()
    const bytes = called.endsWith('.TEXT') ? fileOfText(content.toString('latin1')) : content
    const date = new Date(Number(hostClock().realtimeNs() / 1_000_000n))
    const put = putVolumeFile(file.disk, called, bytes, {
      year: date.getFullYear() % 100,
      month: date.getMonth() + 1,
      day: date.getDate(),
    })
    streams.stdout(`${put.name}: ${put.nextBlock - put.firstBlock} blocks at ${put.firstBlock}\n`)
  } finally {
    await file.close()
  }
}
function create([path = '', blocks]: readonly string[], invocation: Invocation): Promise<void> {
  if (existsSync(path)) throw new DoppelError('ucsd.volume-open', `${path} is there already`, { path })
  const name = (invocation.value('name') ?? basename(path).replace(/\.[^.]*$/, '')).toUpperCase()
  const bytes = emptyVolume(name, blocks === undefined ? DEFAULT_BLOCKS : Number(blocks), invocation.has('big-endian'))
  writeFileSync(path, bytes)
  return Promise.resolve()
}
