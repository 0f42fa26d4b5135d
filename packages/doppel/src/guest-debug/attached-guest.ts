import { resolve } from 'node:path'
import { utf8Bytes } from '@doppel/base'
import { type DapLaunch, DapSession } from '@doppel/monitor'
import { readSymbolFile } from '../run/symbols.ts'
import type { Machine } from '../sdk/machine.ts'
import { listOf, readSourceMap, sourcePaths } from './source-paths.ts'

/** Lets a client debug a machine that runs, by the Debug Adapter Protocol; the machine goes on when the client has gone. */
export function attachDap(machine: Machine, send: (bytes: Uint8Array) => void, onClose: () => void): DapSession {
  const launch: DapLaunch = async (given, output) => {
    const folder = resolve(given.optionalText('cwd') ?? '.')
    const symbols = listOf(given, 'symbols').map(readSymbolFile)
    const { target, close } = await machine.debugSource(
      symbols.map(file => ({ ...file, path: resolve(folder, file.path) })),
    )
    const decoder = new TextDecoder()
    const leave = machine.console.attach({ write: bytes => output(decoder.decode(bytes, { stream: true }), 'stdout') })
    void machine.wait().then(
      end => target.ended(end.kind === 'failure' ? end.code : 0),
      () => target.ended(1),
    )
    return {
      target,
      ...sourcePaths(target, readSourceMap(given), folder),
      give: text => machine.console.type(utf8Bytes(text)),
      end: async () => {
        leave()
        close()
        await target.detach()
      },
    }
  }
  return new DapSession(launch, send, onClose)
}
