import type { FilePort } from '../src/machine/ports.ts'

/** Files in memory: what a program wrote can be looked at. */
export interface MemoryFiles extends FilePort {
  text(name: string): string
}

/** A program's files, with what some of them hold at first. */
export function memoryFiles(contents: Readonly<Record<string, string>>): MemoryFiles {
  const files = new Map(Object.entries(contents).map(([name, text]) => [name, [new TextEncoder().encode(text)]]))
  return {
    reset(name) {
      const pieces = files.get(name)
      if (pieces === undefined) return undefined
      let next = 0
      return { read: () => pieces[next++] }
    },
    rewrite(name) {
      const pieces: Uint8Array<ArrayBuffer>[] = []
      files.set(name, pieces)
      return { write: bytes => void pieces.push(bytes.slice()) }
    },
    text: name => (files.get(name) ?? []).map(piece => new TextDecoder().decode(piece)).join(''),
  }
}
