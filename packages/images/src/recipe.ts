import { DoppelError } from '@doppel/base'
import type { ImageConfig } from './root-image.ts'

/** One thing to do in the machine that an image is built in. Environment, folder and user are those of that moment. */
export type RecipeStep = {
  /** As the recipe has it, for the report. */
  readonly text: string
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  readonly user: string | undefined
} & (
  | { readonly kind: 'run'; readonly command: string | readonly string[] }
  | { readonly kind: 'copy'; readonly sources: readonly string[]; readonly target: string }
)

/** A recipe for an image. */
export interface Recipe {
  readonly from: string
  readonly steps: readonly RecipeStep[]
  /** What the image says of its runs; it goes over what the base says. */
  readonly config: ImageConfig
}

const MAX_LINES = 10_000
/** What a base that says nothing of it has, for recipes that add to it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Reads a recipe in Dockerfile syntax: FROM first, then RUN, COPY, ENV, WORKDIR, USER, CMD and ENTRYPOINT. `base` gives
 * what the base image says of its runs. Throws `image.recipe` naming file and line.
 */
export async function readRecipe(
  text: string,
  where: string,
  base: (from: string) => Promise<ImageConfig>,
): Promise<Recipe> {
  const lines = logicalLines(text, where)
  const [first, ...rest] = lines
  const from = first && /^FROM\s+(\S+)$/i.exec(first.text)?.[1]
  if (from === undefined) throw problem(where, first?.line ?? 1, 'a recipe begins with FROM IMAGE')
  const inherited = await base(from)
  const reader = new RecipeReader(where, inherited)
  for (const line of rest) reader.read(line)
  return { from, steps: reader.steps, config: { ...inherited, ...reader.config } }
}

interface Line {
  readonly line: number
  readonly text: string
}

class RecipeReader {
  readonly steps: RecipeStep[] = []
  readonly #where: string
  #env: Readonly<Record<string, string>>
  #folder: string
  #user: string | undefined
  #entrypoint: readonly string[] | undefined
  #command: readonly string[] | undefined

  constructor(where: string, base: ImageConfig) {
    this.#where = where
    this.#env = { PATH: DEFAULT_PATH, ...base.env }
    this.#folder = base.folder ?? '/'
    this.#user = base.user
  }

  get config(): ImageConfig {
    return {
      env: this.#env,
      ...(this.#folder !== '/' && { folder: this.#folder }),
      ...(this.#user !== undefined && { user: this.#user }),
      // A new entry point has nothing to do with the base's arguments.
      ...(this.#entrypoint && { entrypoint: this.#entrypoint, command: [] }),
      ...(this.#command && { command: this.#command }),
    }
  }

  read({ line, text }: Line): void {
    const [, word = '', rest = ''] = /^(\S+)\s*([^]*)$/.exec(text) ?? []
    const fail = (reason: string): DoppelError => problem(this.#where, line, reason)
    if (rest === '') throw fail(`${word} says nothing`)
    const at = { text, env: this.#env, folder: this.#folder, user: this.#user }
    switch (word.toUpperCase()) {
      case 'RUN':
        this.steps.push({ ...at, kind: 'run', command: jsonWords(rest) ?? rest })
        return
      case 'COPY': {
        const words = jsonWords(rest) ?? rest.split(/\s+/)
        if (words.some(each => each.startsWith('--'))) throw fail('flags of COPY are not supported')
        const paths = words.map(each => this.#expand(each))
        const target = paths.pop() ?? ''
        if (paths.length === 0) throw fail('expected COPY SOURCE… TARGET')
        const outside = paths.find(each => each.split('/').includes('..'))
        if (outside !== undefined) throw fail(`${outside} is outside the recipe's folder`)
        if (paths.length > 1 && !target.endsWith('/')) throw fail('of several sources the target is a folder, with a /')
        this.steps.push({ ...at, kind: 'copy', sources: paths, target: this.#absolute(target) })
        return
      }
      case 'ENV':
        this.#env = { ...this.#env, ...this.#readEnv(rest, fail) }
        return
      case 'WORKDIR':
        this.#folder = this.#absolute(this.#expand(rest))
        return
      case 'USER':
        this.#user = this.#expand(rest)
        return
      case 'CMD':
        this.#command = jsonWords(rest) ?? ['/bin/sh', '-c', rest]
        return
      case 'ENTRYPOINT':
        this.#entrypoint = jsonWords(rest) ?? ['/bin/sh', '-c', rest]
        return
      case 'FROM':
        throw fail('a recipe has one FROM; stages are not supported')
      default:
        throw fail(`${word} is not supported; expected RUN, COPY, ENV, WORKDIR, USER, CMD or ENTRYPOINT`)
    }
  }

  /** `NAME=VALUE…`, values quoted or not; or `NAME VALUE`. */
  #readEnv(text: string, fail: (reason: string) => DoppelError): Record<string, string> {
    const old = /^([A-Za-z_]\w*)\s+([^=]*)$/.exec(text)
    if (old?.[1] !== undefined) return { [old[1]]: this.#expand(old[2] ?? '') }
    const found: Record<string, string> = {}
    const pair = /([A-Za-z_]\w*)=("(?:[^"\\]|\\[^])*"|'[^']*'|(?:[^\s"'\\]|\\[^])*)(?:\s+|$)/y
    while (pair.lastIndex < text.length) {
      const match = pair.exec(text)
      if (match?.[1] === undefined) throw fail('expected ENV NAME=VALUE…')
      const value = match[2] ?? ''
      const isLiteral = value.startsWith("'")
      const bare = /^["']/.test(value) ? value.slice(1, -1) : value
      found[match[1]] = isLiteral ? bare : this.#expand(bare.replaceAll(/\\([^])/g, '$1'))
    }
    return found
  }

  #expand(text: string): string {
    return text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
      return this.#env[braced ?? plain ?? ''] ?? ''
    })
  }

  #absolute(path: string): string {
    return path.startsWith('/') ? path : `${this.#folder === '/' ? '' : this.#folder}/${path}`
  }
}

/** A JSON list of words, as the exec form has it; undefined for anything else. */
function jsonWords(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every(each => typeof each === 'string') ? value : undefined
  } catch {
    // As Docker has it: what is not JSON is shell code that begins with a bracket.
    return undefined
  }
}

/** Lines without comments, those that a backslash continues joined. */
function logicalLines(text: string, where: string): Line[] {
  const lines: Line[] = []
  let open: { line: number; parts: string[] } | undefined
  for (const [index, each] of text.split(/\r?\n/).entries()) {
    if (index >= MAX_LINES) throw problem(where, index + 1, `more than ${MAX_LINES} lines`)
    if (/^\s*(#|$)/.test(each)) continue
    const isContinued = /\\\s*$/.test(each)
    open ??= { line: index + 1, parts: [] }
    open.parts.push(each.replace(/\\\s*$/, ''))
    if (isContinued) continue
    lines.push({ line: open.line, text: open.parts.join('').trim() })
    open = undefined
  }
  if (open) lines.push({ line: open.line, text: open.parts.join('').trim() })
  return lines
}

function problem(where: string, line: number, reason: string): DoppelError {
  return new DoppelError('image.recipe', `${where}:${line}: ${reason}`, { where, line })
}
