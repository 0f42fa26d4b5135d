import type { DebugProtocol } from '@vscode/debugprotocol'
import type { DapSession } from './session.ts'

/** A file as clients are told of it. */
export function sourceOf(on: DapSession, file: string): DebugProtocol.Source {
  return { name: file.replace(/^.*[/\\]/, ''), path: on.program.pathOf(file) }
}
