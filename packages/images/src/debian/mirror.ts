import { readdirSync, readFileSync } from 'node:fs'
import { DoppelError } from '@doppel/base'
import { parseStanzas } from './deb822.ts'

/** Debian's own public mirror network. */
export const DEFAULT_MIRROR = 'http://deb.debian.org/debian'

/** Suites that only Debian proper serves; a codename of another distribution must not be asked for trixie. */
const DEBIAN_SUITE =
  /^(?:(?:old){0,2}stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)(?:-(?:updates|backports|proposed-updates))?\/?$/

/** A configuration file by its path and text. */
export interface ConfigFile {
  readonly path: string
  readonly text: string
}

/** Where a mirror's address came from. */
export interface MirrorChoice {
  /** The archive's base, without a trailing slash. */
  readonly url: string
  readonly source: 'environment' | 'apt' | 'default'
}

/**
 * The archive to fetch from: the first Debian main archive in apt's sources, else `DOPPEL_DEBIAN_MIRROR`, else
 * Debian's own. Throws `debian.mirror` when the variable is needed and not an HTTP address.
 */
export function chooseMirror(
  env: Readonly<Record<string, string | undefined>> = process.env,
  sources: readonly ConfigFile[] = readAptSources(),
): MirrorChoice {
  for (const file of sources) {
    const url = file.path.endsWith('.sources') ? fromDeb822(file.text) : fromOneLine(file.text)
    if (url !== undefined) return { url, source: 'apt' }
  }
  const given = env['DOPPEL_DEBIAN_MIRROR']
  if (given !== undefined && given !== '')
    return { url: mirrorUrl(given, 'DOPPEL_DEBIAN_MIRROR'), source: 'environment' }
  return { url: DEFAULT_MIRROR, source: 'default' }
}

/** An archive's base address as a user gave it in `place`. Throws `debian.mirror` when it is not an HTTP address. */
export function mirrorUrl(given: string, place: string): string {
  const url = httpUrl(given)
  if (url !== undefined) return url
  throw new DoppelError('debian.mirror', `${place} is '${given}'; expected an address such as ${DEFAULT_MIRROR}`, {
    given,
  })
}

/** apt's source lists on this machine, in apt's order (sources.list(5)); an unreadable or absent one is left out. */
function readAptSources(root = '/etc/apt'): ConfigFile[] {
  const paths = [`${root}/sources.list`]
  try {
    const names = readdirSync(`${root}/sources.list.d`).sort()
    paths.push(...names.filter(name => /\.(list|sources)$/.test(name)).map(name => `${root}/sources.list.d/${name}`))
  } catch {
    // No apt here: the default mirror serves.
  }
  return paths.flatMap(path => {
    try {
      return [{ path, text: readFileSync(path, 'utf8') }]
    } catch {
      return []
    }
  })
}

function fromDeb822(text: string): string | undefined {
  let stanzas: ReturnType<typeof parseStanzas>
  try {
    stanzas = parseStanzas(text)
  } catch {
    // apt's to complain about; another file or the default serves.
    return undefined
  }
  for (const stanza of stanzas) {
    const words = (field: string): string[] => (stanza.get(field) ?? '').split(/\s+/).filter(word => word !== '')
    if (/^(?:no|false|without|off|disable)$/i.test(stanza.get('enabled') ?? '')) continue
    if (!words('types').includes('deb') || !isDebianMain(words('suites'), words('components'))) continue
    const url = words('uris')
      .map(httpUrl)
      .find(found => found !== undefined)
    if (url !== undefined) return url
  }
  return undefined
}

function fromOneLine(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line)
    if (!match || !isDebianMain([match[2] ?? ''], (match[3] ?? '').trim().split(/\s+/))) continue
    const url = httpUrl(match[1] ?? '')
    if (url !== undefined) return url
  }
  return undefined
}

function isDebianMain(suites: readonly string[], components: readonly string[]): boolean {
  return components.includes('main') && suites.some(suite => DEBIAN_SUITE.test(suite))
}

function httpUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href.replace(/\/+$/, '') : undefined
}
