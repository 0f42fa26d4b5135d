import { relative, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DoppelError, utf8Bytes } from '@doppel/base'
import type { DapArguments, DapOutput, DapProgram } from '@doppel/monitor'
import { renderDiagnostic } from '@doppel/pcode'
import { ProgramDebugger } from '@doppel/pcode/debug'
import { checkBindings, programFiles, readBindings } from './program-files.ts'
import { REAL_STYLE } from './run-pascal.ts'
import { programOf, readSource } from './sources.ts'
import { MAX_TYPED_BYTES, TypedInput } from './typed-input.ts'

/**
 * Starts the Pascal program of a launch configuration: `program` (a path), `args` (`name=file`), `cwd`, `input` (text for its standard
 * input, before what is typed), `unchecked`. Throws `dap.program`, `pascal.*` and `pcode.*`.
 */
export async function launchPascal(
  given: DapArguments,
  output: DapOutput,
  { attaches }: { readonly attaches: boolean },
): Promise<DapProgram> {
  if (attaches) throw new DoppelError('dap.attach', 'a program is debugged from its beginning: use launch')
  const folder = resolve(given.optionalText('cwd') ?? '.')
  const path = resolve(folder, given.text('program'))
  const written = readBindings(textsOf(given, 'args'))
  const bindings = new Map([...written].map(([name, file]) => [name, resolve(folder, file)]))
  const checks = !given.isSet('unchecked')
  const { program, diagnostics } = await programOf(path, readSource(path), { file: path, checks })
  for (const diagnostic of diagnostics) output(renderDiagnostic(diagnostic), 'stderr')
  if (!program) {
    throw new DoppelError('dap.program', `${relative(folder, path)} does not compile; the debug console says why`, {})
  }
  checkBindings(program, bindings)
  const first = utf8Bytes(given.optionalText('input') ?? '')
  const typed = new TypedInput(() => undefined, MAX_TYPED_BYTES + first.length)
  if (first.length > 0) typed.push(first)
  const decoder = new TextDecoder()
  const standard = {
    input: typed,
    output: { write: (bytes: Uint8Array) => output(decoder.decode(bytes, { stream: true }), 'stdout') },
  }
  const files = programFiles(bindings, new AbortController().signal, standard)
  const target = new ProgramDebugger(program, { files, realStyle: REAL_STYLE, rest: setImmediate })
  return {
    target,
    pathOf: file => resolve(folder, file),
    fileOf: client => target.files.find(file => resolve(folder, file) === resolve(client)),
    give: text => typed.push(utf8Bytes(text)),
    end: () => typed.end(),
  }
}

function textsOf(given: DapArguments, name: string): readonly string[] {
  const value: unknown = given.all[name] ?? []
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value
  throw new DoppelError('dap.argument', `${name} must be a list of texts`, { name })
}
