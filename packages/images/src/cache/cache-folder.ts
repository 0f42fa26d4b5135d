import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { DoppelError } from '@doppel/base'

/** The cache folder: `$XDG_CACHE_HOME/doppel`, else `~/.cache/doppel` (XDG Base Directory 0.8). */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const base = env['XDG_CACHE_HOME']
  if (base === undefined || base === '') return join(env['HOME'] || homedir(), '.cache', 'doppel')
  if (!isAbsolute(base)) {
    throw new DoppelError('cache.folder', `XDG_CACHE_HOME is '${base}'; it must be an absolute path`, { base })
  }
  return join(base, 'doppel')
}
