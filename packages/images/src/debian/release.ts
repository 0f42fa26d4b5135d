import { readFile } from 'node:fs/promises'
import { type Clock, DoppelError } from '@doppel/base'
import { parseStanza } from './deb822.ts'

/** The archive keys shipped with doppel; keys/README.md says where they come from. */
const KEY_FILES = [
  'debian-archive-trixie-automatic.pgp',
  'debian-archive-trixie-stable.pgp',
  'debian-archive-bookworm-automatic.pgp',
] as const

/** A file that a release vouches for. */
export interface ReleaseFile {
  readonly sha256: string
  readonly sizeBytes: number
}

/** A verified release: what one of Debian's keys signed. */
export interface Release {
  readonly suite: string
  readonly codename: string
  readonly version: string
  readonly date: string
  readonly acquireByHash: boolean
  /** By path below the release's own folder, e.g. `main/binary-riscv64/Packages.xz`. */
  readonly files: ReadonlyMap<string, ReleaseFile>
}

/** Debian's archive keys as shipped, in OpenPGP's binary form, one or more certificates each. */
export async function debianKeys(): Promise<Uint8Array[]> {
  // From src/debian and from dist/debian alike, the package's keys/ is two folders up.
  const folder = new URL('../../keys/', import.meta.url)
  return await Promise.all(KEY_FILES.map(name => readFile(new URL(name, folder))))
}

/**
 * Verifies an InRelease file (an OpenPGP cleartext message, RFC 9580 §7) and reads it: at least one of `keys` must
 * have signed it, it must be for `suite` (as suite or codename) and not past its Valid-Until. Only signed text is
 * read. Throws `debian.signature`, `debian.suite`, `debian.expired` or `debian.syntax`.
 */
export async function verifyRelease(
  inRelease: string,
  suite: string,
  keys: readonly Uint8Array[],
  clock: Clock,
): Promise<Release> {
  const now = new Date(Number(clock.realtimeNs() / 1_000_000n))
  const stanza = parseStanza(await signedText(inRelease, keys, now))
  const field = (name: string): string => stanza.get(name.toLowerCase()) ?? ''
  if (field('Suite') !== suite && field('Codename') !== suite) {
    throw new DoppelError(
      'debian.suite',
      `the archive sent the release of '${field('Codename')}' (suite '${field('Suite')}') for '${suite}'`,
      { expected: suite, suite: field('Suite'), codename: field('Codename') },
    )
  }
  const validUntil = field('Valid-Until')
  if (validUntil !== '' && !(new Date(validUntil) > now)) {
    throw new DoppelError(
      'debian.expired',
      `the release of ${suite} was valid until ${validUntil}; the mirror is stale, or this machine's clock is wrong`,
      { suite, validUntil, now: now.toISOString() },
    )
  }
  return {
    suite: field('Suite'),
    codename: field('Codename'),
    version: field('Version'),
    date: field('Date'),
    acquireByHash: field('Acquire-By-Hash') === 'yes',
    files: readFiles(field('SHA256')),
  }
}

function readFiles(list: string): Map<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>()
  for (const line of list.split('\n')) {
    if (line.trim() === '') continue
    const match = /^\s*([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)\s*$/.exec(line)
    if (!match) {
      throw new DoppelError('debian.syntax', `'${line.trim().slice(0, 80)}' is not a hash, a size and a path`)
    }
    files.set(match[3] as string, { sha256: match[1] as string, sizeBytes: Number(match[2]) })
  }
  return files
}

async function signedText(inRelease: string, keys: readonly Uint8Array[], now: Date): Promise<string> {
  // Loaded here because a start that finds everything cached needs no OpenPGP.
  const openpgp = await import('openpgp')
  try {
    const message = await openpgp.readCleartextMessage({ cleartextMessage: inRelease })
    const certificates = await Promise.all(keys.map(binaryKeys => openpgp.readKeys({ binaryKeys })))
    const result = await openpgp.verify({ message, verificationKeys: certificates.flat(), date: now })
    // A release carries signatures of several generations of keys, some newer than ours: one that holds is enough.
    await Promise.any(result.signatures.map(signature => signature.verified))
    return result.data
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors : [error]
    const text = reasons.map(reason => (reason instanceof Error ? reason.message : String(reason))).join('; ')
    throw new DoppelError(
      'debian.signature',
      `InRelease is not signed by a Debian archive key that doppel knows: ${text || 'it has no signature'}`,
      {},
      error,
    )
  }
}
