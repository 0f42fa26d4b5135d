import { countBefore, PAGE_BYTES } from '@doppel/base'

const ZEROS = new Int32Array(PAGE_BYTES / 4)

/** A page as it was from some moment on, until its next version. */
interface Version {
  at: number
  /** Shared with the version before where nothing has changed. */
  readonly words: Int32Array
}

/** Pages of RAM as they were at moments of a run, which are numbered in its order. A page without a version was zeros. */
export class PageHistory {
  readonly #versions = new Map<number, Version[]>()
  #heldBytes = 0

  /** Memory that the pages take, bytes. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Notes a page as it is at a moment; `words` is copied where it is new. */
  keep(page: number, at: number, words: Int32Array): void {
    const versions = this.#versions.get(page) ?? []
    this.#versions.set(page, versions)
    const after = indexAfter(versions, at)
    const before = versions[after - 1]?.words ?? ZEROS
    versions.splice(after, 0, { at, words: isSame(before, words) ? before : this.#copy(words) })
  }
  #copy(words: Int32Array): Int32Array {
    if (isSame(ZEROS, words)) return ZEROS
    this.#heldBytes += PAGE_BYTES
    return words.slice()
  }
  /** What a page was at a moment. */
  read(page: number, at: number): Int32Array {
    const versions = this.#versions.get(page) ?? []
    return versions[indexAfter(versions, at) - 1]?.words ?? ZEROS
  }
  /**
   * Forgets what a page was at a moment, up to the version after it; where that is not of the moment `next`, there it then is what
   * is forgotten here. Says whether it is.
   */
  forget(page: number, at: number, next: number | undefined): boolean {
    const versions = this.#versions.get(page) ?? []
    const index = indexAfter(versions, at) - 1
    const version = versions[index]
    if (version?.at !== at) return false
    if (next !== undefined && versions[index + 1]?.at !== next) {
      version.at = next
      return true
    }
    versions.splice(index, 1)
    const { words } = version
    const isShared = versions[index - 1]?.words === words || versions[index]?.words === words
    if (words !== ZEROS && !isShared) this.#heldBytes -= PAGE_BYTES
    return false
  }
}

/** The index of the first version that is later. */
function indexAfter(versions: readonly Version[], at: number): number {
  return countBefore(versions, version => version.at <= at)
}

/** True for pages of the same bytes. */
export function isSame(a: Int32Array, b: Int32Array): boolean {
  if (a === b) return true
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
