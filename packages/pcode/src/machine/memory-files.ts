import type { FilePort } from './ports.ts'
import { memoryTitles } from './titles.ts'

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0)

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length)
  whole.set(a)
  whole.set(b, a.length)
  return whole
}

/** Files in memory, for tests and pages: their contents by name; what a program writes can be looked at. */
export function memoryFiles(
  contents: Readonly<Record<string, string>> = {},
): FilePort & { text(name: string): string; bytes(name: string): Uint8Array } {
  const files = new Map(
    Object.entries({ input: '', ...contents }).map(([name, text]) => [name, new TextEncoder().encode(text)]),
  )
  return {
    reset: name => {
      const bytes = files.get(name)
      let given = false
      if (!bytes) return undefined
      return {
        read: () => {
          if (given) return undefined
          given = true
          return Promise.resolve(bytes)
        },
      }
    },
    rewrite: name => {
      files.set(name, NO_BYTES)
      return { write: bytes => void files.set(name, joined(files.get(name) ?? NO_BYTES, bytes)) }
    },
    titles: memoryTitles(),
    bytes: name => files.get(name) ?? NO_BYTES,
    text: name => new TextDecoder().decode(files.get(name) ?? NO_BYTES),
  }
}
