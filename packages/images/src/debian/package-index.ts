import { DoppelError } from '@doppel/base'
import { parseStanza, stanzaTexts } from './deb822.ts'
import { type DebianPackage, readPackage } from './packages.ts'

/** All packages of a suite, read when they are asked for: an index has 66,000 of them. */
export class PackageIndex {
  readonly #texts = new Map<string, string>()
  readonly #providers = new Map<string, string[]>()
  readonly #required: string[] = []

  /** Throws `debian.syntax`. */
  static async read(index: AsyncIterable<Uint8Array>): Promise<PackageIndex> {
    const made = new PackageIndex()
    for await (const text of stanzaTexts(index)) {
      const name = /^Package: *(\S+)/m.exec(text)?.[1]
      if (name === undefined || made.#texts.has(name)) continue
      made.#texts.set(name, text)
      if (/^Priority: *required$/m.test(text)) made.#required.push(name)
      for (const [provided] of relations(/^Provides: *(.*)$/m.exec(text)?.[1] ?? '')) {
        if (provided !== undefined) made.#providers.set(provided, [...(made.#providers.get(provided) ?? []), name])
      }
    }
    return made
  }

  /** Names of the packages that every Debian system has (Debian Policy §2.5). */
  get required(): readonly string[] {
    return this.#required
  }

  /** Throws `debian.package` where there is none of that name, `debian.syntax`. */
  find(name: string): DebianPackage {
    const text = this.#texts.get(name)
    if (text === undefined) throw new DoppelError('debian.package', `the archive has no package ${name}`, { name })
    return readPackage(parseStanza(text))
  }

  /**
   * The named packages with all they depend on (Depends and Pre-Depends, Debian Policy §7.2), dependencies first where
   * there is no cycle. Of alternatives one that is chosen already serves, else the first that exists. Throws
   * `debian.package`, `debian.syntax`.
   */
  closure(names: readonly string[]): DebianPackage[] {
    const wanted = new Set(names)
    const chosen = new Map<string, DebianPackage>()
    const visit = (name: string): void => {
      if (chosen.has(name)) return
      const found = this.find(name)
      chosen.set(name, found)
      const stanza = parseStanza(this.#texts.get(name) ?? '')
      const depends = ['pre-depends', 'depends'].flatMap(field => relations(stanza.get(field) ?? ''))
      for (const alternatives of depends) {
        const isThere = (candidate: string): boolean =>
          [candidate, ...(this.#providers.get(candidate) ?? [])].some(each => chosen.has(each) || wanted.has(each))
        if (alternatives.some(isThere)) {
          for (const each of alternatives) if (wanted.has(each)) visit(each)
          continue
        }
        visit(this.#choose(alternatives, name))
      }
      // Again at the end of the list: what it needs has come before it now.
      chosen.delete(name)
      chosen.set(name, found)
    }
    for (const name of names) visit(name)
    return [...chosen.values()]
  }

  #choose(alternatives: readonly string[], neededBy: string): string {
    const real = alternatives.find(name => this.#texts.has(name))
    const found = real ?? alternatives.flatMap(name => this.#providers.get(name) ?? [])[0]
    if (found !== undefined) return found
    const what = alternatives.join(' or ')
    throw new DoppelError('debian.package', `${neededBy} needs ${what}, which the archive lacks`, { neededBy, what })
  }
}

/** Package names of a relationship field, alternatives together; versions and architectures are left out. */
function relations(field: string): string[][] {
  return field
    .replaceAll(/\([^)]*\)|\[[^\]]*\]|<[^>]*>/g, '')
    .split(',')
    .map(item =>
      item
        .split('|')
        .map(name => name.trim().replace(/:\w+$/, ''))
        .filter(name => /^[a-z0-9][a-z0-9+.-]+$/.test(name)),
    )
    .filter(alternatives => alternatives.length > 0)
}
