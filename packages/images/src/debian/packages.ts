import { DoppelError } from '@doppel/base'
import { parseStanza, type Stanza, stanzaTexts } from './deb822.ts'

/** One binary package as an archive's index describes it. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** Path below the archive's base. */
  readonly filename: string
  readonly sizeBytes: number
  readonly sha256: string
  /** Names it depends on, alternatives' first choice only, without versions. */
  readonly depends: readonly string[]
}

/**
 * Reads the packages whose name `wanted` accepts out of a Packages index. Where a name occurs more than once, all
 * are returned, in the index's order. Throws `debian.syntax`.
 */
export async function findPackages(
  index: AsyncIterable<Uint8Array>,
  wanted: (name: string) => boolean,
): Promise<DebianPackage[]> {
  const found: DebianPackage[] = []
  for await (const text of stanzaTexts(index)) {
    const name = /^Package: *(\S+)/m.exec(text)?.[1]
    if (name !== undefined && wanted(name)) found.push(readPackage(parseStanza(text)))
  }
  return found
}

/** The package that a paragraph of an index describes. Throws `debian.syntax`. */
export function readPackage(stanza: Stanza): DebianPackage {
  const field = (name: string): string => stanza.get(name) ?? ''
  const name = field('package')
  const filename = field('filename')
  const sha256 = field('sha256')
  const size = field('size')
  // The path is signed for, yet it is joined to an address: keep it below the archive's base.
  const safe = /^[A-Za-z0-9._+~:%-]+(?:\/[A-Za-z0-9._+~:%-]+)*$/.test(filename) && !filename.split('/').includes('..')
  if (!safe || !/^[0-9a-f]{64}$/.test(sha256) || !/^\d{1,15}$/.test(size)) {
    throw new DoppelError('debian.syntax', `the index's entry for ${name} lacks a usable Filename, Size or SHA256`, {
      name,
      filename,
    })
  }
  return {
    name,
    version: field('version'),
    architecture: field('architecture'),
    filename,
    sizeBytes: Number(size),
    sha256,
    depends: field('depends')
      .split(',')
      .map(item => /^\s*([a-z0-9][a-z0-9+.-]+)/.exec(item)?.[1] ?? '')
      .filter(dependency => dependency !== ''),
  }
}
