import { closeSync, openSync, writeSync } from 'node:fs'
import { DoppelError } from '@doppel/base'

/** So much is gathered before it is written. */
const BUFFER_CHARACTERS = 1 << 16

/** Where text goes that comes while a machine runs: it is written before the machine goes on, so that little of it is ever kept. */
export interface TextOutput {
  write(text: string): void
  close(): void
}

/** A file, made anew. Throws `run.output`. */
export function fileOutput(path: string): TextOutput {
  let file: number
  try {
    file = openSync(path, 'w')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw new DoppelError('run.output', `${path} cannot be written (${reason})`, { path }, error)
  }
  let pending = ''
  const flush = (): void => {
    const bytes = Buffer.from(pending)
    pending = ''
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
  }
  return {
    write: text => {
      pending += text
      if (pending.length >= BUFFER_CHARACTERS) flush()
    },
    close: () => {
      flush()
      closeSync(file)
    },
  }
}
