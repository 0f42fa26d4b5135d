/** Where a volume's directory is, and how long: blocks (II.0, “Directories”). */
export const DIRECTORY_BLOCK = 2
export const DIRECTORY_BLOCKS = 4
/** Bytes of an entry; the first is the volume's own. */
export const ENTRY_BYTES = 26
/** Files in a directory at most. */
export const MAX_FILES = 77

/** Byte offsets in an entry: of both kinds, of the volume's, of a file's. */
export const FIRST_BLOCK = 0
export const NEXT_BLOCK = 2
export const KIND = 4
export const NAME = 6
export const VOLUME_BLOCKS = 14
export const FILE_COUNT = 16
export const LAST_BOOT = 20
export const LAST_BYTES = 22
export const ACCESS_DATE = 24

/** Letters of names at most. */
export const MAX_VOLUME_NAME = 7
export const MAX_FILE_NAME = 15

/** Kinds of files by their numbers. */
export const FILE_KINDS: readonly string[] = [
  'untyped',
  'bad',
  'code',
  'text',
  'info',
  'data',
  'graf',
  'foto',
  'securedir',
]
