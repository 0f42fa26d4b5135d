/** A file's title (UCSD Pascal, “File names”): the volume that it is on, in small letters and '' where none is named, and its name there. */
export interface Title {
  readonly volume: string
  /** '' where the volume itself is meant. */
  readonly name: string
}

/** Files by their titles: those that the host grants. */
export interface TitlePort {
  /** The whole of a file. */
  read(title: Title): Uint8Array | TitleFault
  /** Makes a file, or replaces one; undefined where that is done. */
  write(title: Title, bytes: Uint8Array): TitleFault | undefined
  remove(title: Title): TitleFault | undefined
}

/** Why a title leads to no file. */
export type TitleFault = 'noVolume' | 'fileMissing' | 'writeProtected' | 'noRoom'

/** Bytes of a file with a title: those of the largest volume that a p-System has. */
export const MAX_TITLED_BYTES = 0x0200_0000
/** Files with titles that are open at once, each of which is in memory. */
export const MAX_TITLED_FILES = 16
const MAX_TITLE = 255

/** Reads a title; blanks, and a size in brackets behind it, say nothing here. Undefined for what is none. */
export function readTitle(text: string): Title | undefined {
  const bare = text.replace(/\[[^\]]*\]$/, '').replace(/\s/g, '')
  const colon = bare.indexOf(':')
  const volume = bare.slice(0, Math.max(colon, 0)).toLowerCase()
  const name = bare.slice(colon + 1).replace(/^\*/, '')
  // Names are not paths: nothing leads out of the volume.
  if (text.length > MAX_TITLE || !/^[!-~]*$/.test(bare) || /[/\\:]/.test(name) || name === '..' || name === '.')
    return undefined
  return bare === '' ? undefined : { volume: volume === '*' ? '' : volume, name }
}

/** Files with titles in memory, for tests and pages; names as `volume:name`, in small letters. */
export function memoryTitles(contents: Readonly<Record<string, string>> = {}): TitlePort & {
  readonly files: Map<string, Uint8Array>
} {
  const files = new Map(Object.entries(contents).map(([key, text]) => [key, new TextEncoder().encode(text)]))
  const key = ({ volume, name }: Title): string => `${volume}:${name.toLowerCase()}`
  return {
    files,
    read: title => files.get(key(title)) ?? 'fileMissing',
    write: (title, bytes) => void files.set(key(title), bytes.slice()),
    remove: title => (files.delete(key(title)) ? undefined : 'fileMissing'),
  }
}
