import { readFileSync } from 'node:fs'
import { DoppelError, GIB, parseSize } from '@doppel/base'
import { type DebugOptions, readDebugOptions } from './debug-agent.ts'

/** A `java` command line, read. */
export interface JavaArguments {
  readonly classPath: string | undefined
  readonly properties: Readonly<Record<string, string>>
  readonly jar: boolean
  /** The main class, the jar, or undefined when only something was to be shown. */
  readonly target: string | undefined
  readonly args: readonly string[]
  readonly maxHeapBytes: number
  readonly stackBytes: number
  readonly enableAssertions: boolean
  readonly verboseClass: boolean
  readonly showVersion: 'no' | 'only' | 'also'
  readonly statistics: boolean
  readonly timeoutMs: number | undefined
  readonly network: JavaNetworkOptions
  /** Where debuggers are served, if the program is to be debugged. */
  readonly debug: DebugOptions | undefined
  /** Folders that the program may use, `PATH` or `PATH:ro`; when there are none, it may use what the user may. */
  readonly files: readonly string[]
  /** A folder that is java.home, or the name of an image. */
  readonly library: string | undefined
}

/** What of the network a program may use. */
export interface JavaNetworkOptions {
  /** `nat`: the public world and what `allow` lists; `none`: the machine’s own loopback only. */
  readonly mode: 'nat' | 'none'
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  /** `[ADDRESS:]HOST:GUEST`, as `doppel run` takes it. */
  readonly publish: readonly string[]
}

/** Bytes of a thread’s stack, and of the objects of a machine, when nothing is said. */
export const DEFAULT_STACK_BYTES: number = 700 * 1024
export const DEFAULT_HEAP_BYTES: number = GIB

/** Options of `java` that change nothing here: collectors, compilers, sharing. */
const IGNORED = /^-(XX:|Xms|Xshare|Xint$|Xcomp$|Xmixed$|Xverify|Xnoclassgc|Xlog|Xbatch$|server$|client$|XshowSettings)/

/** Words that take the next argument as their value, and the property it becomes. */
const MODULE_OPTIONS: Readonly<Record<string, string>> = {
  '--add-modules': 'jdk.module.addmods',
  '--add-exports': 'jdk.module.addexports',
  '--add-opens': 'jdk.module.addopens',
  '--add-reads': 'jdk.module.addreads',
}

/** Reads `java`'s options. Throws `java.option` for one that is not known. */
export function readJavaArguments(given: readonly string[]): JavaArguments {
  const words = given.flatMap(word => (word.startsWith('@') && word.length > 1 ? argumentFile(word.slice(1)) : [word]))
  const properties: Record<string, string> = {}
  const counts = new Map<string, number>()
  let [classPath, jar, maxHeapBytes, stackBytes]: [string | undefined, boolean, number, number] = [
    undefined,
    false,
    DEFAULT_HEAP_BYTES,
    DEFAULT_STACK_BYTES,
  ]
  let [enableAssertions, verboseClass, statistics] = [false, false, false]
  let showVersion: JavaArguments['showVersion'] = 'no'
  let timeoutMs: number | undefined
  let debug: DebugOptions | undefined
  const lists: Record<string, string[]> = { '--allow': [], '--deny': [], '--publish': [], '--files': [] }
  let library: string | undefined
  let mode: JavaNetworkOptions['mode'] = 'nat'
  let at = 0
  const value = (option: string): string => {
    const next = words[++at]
    if (next === undefined) throw new DoppelError('java.option', `${option} needs a value`, { option })
    return next
  }
  for (; at < words.length; at++) {
    const word = words[at] as string
    if (!word.startsWith('-')) break
    const [name = '', inline] = word.startsWith('--') ? word.split(/=(.*)/s) : [word]
    if (word === '-cp' || word === '-classpath') classPath = value(word)
    else if (name === '--class-path') classPath = inline ?? value(word)
    else if (word === '-jar') jar = true
    else if (word.startsWith('-D')) {
      const [key = '', text = ''] = word.slice(2).split(/=(.*)/s)
      properties[key] = text
    } else if (word.startsWith('-Xmx')) maxHeapBytes = size(word, word.slice(4))
    else if (word.startsWith('-Xss')) stackBytes = size(word, word.slice(4))
    else if (/^-(ea|enableassertions)(:|$)/.test(word)) enableAssertions = true
    else if (/^-(da|disableassertions|esa|dsa)(:|$)/.test(word)) enableAssertions &&= !word.startsWith('-da')
    else if (word === '-verbose:class' || word === '-verbose') verboseClass = true
    else if (word === '-version' || word === '--version') showVersion = 'only'
    else if (word === '-showversion' || word === '--show-version') showVersion = 'also'
    else if (word.startsWith('-agentlib:jdwp=')) debug = readDebugOptions(word.slice(15))
    else if (word.startsWith('-Xrunjdwp:')) debug = readDebugOptions(word.slice(10))
    else if (name === '--timeout') timeoutMs = Number.parseFloat(inline ?? value(word)) * 1000
    else if (name === '--statistics') statistics = true
    else if (lists[name]) lists[name].push(inline ?? value(word))
    else if (name === '--library') library = inline ?? value(word)
    else if (name === '--network') mode = networkMode(inline ?? value(word))
    else if (MODULE_OPTIONS[name] !== undefined) {
      const key = MODULE_OPTIONS[name]
      const count = counts.get(key) ?? 0
      counts.set(key, count + 1)
      properties[`${key}.${count}`] = inline ?? value(word)
    } else if (!IGNORED.test(word)) {
      throw new DoppelError('java.option', `doppel java does not know ${word}; see doppel java --help`, {
        option: word,
      })
    }
  }
  return {
    classPath,
    properties,
    jar,
    target: words[at],
    args: words.slice(at + 1),
    maxHeapBytes,
    stackBytes,
    enableAssertions,
    verboseClass,
    showVersion,
    statistics,
    timeoutMs,
    network: { mode, allow: lists['--allow'] ?? [], deny: lists['--deny'] ?? [], publish: lists['--publish'] ?? [] },
    debug,
    files: lists['--files'] ?? [],
    library,
  }
}

function networkMode(text: string): JavaNetworkOptions['mode'] {
  if (text === 'nat' || text === 'none') return text
  throw new DoppelError('java.option', `--network is '${text}'; expected nat or none`, { text })
}

function size(option: string, text: string): number {
  try {
    return parseSize(text)
  } catch (cause) {
    throw new DoppelError('java.option', `${option}: ${(cause as Error).message}`, { option }, cause)
  }
}

/** The words of an @argfile: separated by white space, quoted where they hold some. */
function argumentFile(path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DoppelError(
      'java.argfile',
      `@${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      { path },
      cause,
    )
  }
  const lines = text.split('\n').filter(line => !line.trimStart().startsWith('#'))
  return [...lines.join('\n').matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g)].map(
    ([, double, single, plain]) => plain ?? (double ?? single ?? '').replace(/\\(.)/g, '$1'),
  )
}
