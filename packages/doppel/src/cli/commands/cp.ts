import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { Command } from '../command.ts'
import { ask } from '../machines.ts'

const PIECE_BYTES = 65_536

/** `doppel cp`: one file between this computer and a machine. */
export const cpCommand: Command = {
  name: 'cp',
  summary: 'copy a file into a machine, or out of it',
  usage: 'FILE MACHINE:PATH | MACHINE:PATH FILE',
  minArguments: 2,
  maxArguments: 2,
  flags: [],
  examples: [
    ['doppel cp notes.txt web:/tmp/', 'into the guest'],
    ['doppel cp web:/etc/hosts hosts', 'out of it'],
  ],
  async run(invocation) {
    const [from = '', to = ''] = invocation.arguments
    const [source, target] = [guestPath(from), guestPath(to)]
    if (source && !target) {
      const parts: Uint8Array[] = []
      const onOutput = (bytes: Uint8Array): void => void parts.push(bytes)
      await ask(invocation, source.machine, { op: 'read', path: source.path }, { onOutput })
      const isFolder = await stat(to).then(
        found => found.isDirectory(),
        () => false,
      )
      await writeFile(isFolder ? join(to, basename(source.path)) : to, Buffer.concat(parts))
      return 0
    }
    if (!target || source) {
      throw new DoppelError(
        'cli.arguments',
        'one of the two must be MACHINE:PATH; for example: doppel cp a.txt web:/tmp/',
      )
    }
    const bytes = await readFile(from).catch((error: NodeJS.ErrnoException) => {
      throw new DoppelError('run.file', `${from}: cannot be read (${error.code})`, { path: from }, error)
    })
    const answer = await ask(invocation, target.machine, { op: 'isFolder', path: target.path })
    const path = answer['isFolder'] === true ? join(target.path, basename(from)) : target.path
    await ask(
      invocation,
      target.machine,
      { op: 'write', path },
      {
        input: send => {
          for (let at = 0; at < bytes.length; at += PIECE_BYTES) send(bytes.subarray(at, at + PIECE_BYTES))
          send(undefined)
        },
      },
    )
    return 0
  },
}

/** `MACHINE:/PATH`; a path with a slash before its first colon is one of this computer. */
function guestPath(text: string): { readonly machine: string; readonly path: string } | undefined {
  const match = /^([^/:]+):(\/.*)$/.exec(text)
  return match ? { machine: match[1] ?? '', path: match[2] ?? '' } : undefined
}
