/** What must come of a program: its code, and the place or line where that is. */
export type Outcome =
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'rejected'; readonly code: string }
  | { readonly kind: 'stops'; readonly code: string; readonly line: number | undefined }

/** One program, and what must come of it. */
export interface IsoCase {
  readonly title: string
  readonly program: string
  readonly input: string
  /** Files beside the program, by their names. */
  readonly files: Readonly<Record<string, string>>
  readonly outcome: Outcome
  /** Where « and » stood: line and column from 1, and the length. */
  readonly place: { readonly line: number; readonly column: number; readonly width: number } | undefined
  readonly file: string
}

const HEADING = 'program t(input, output);\n'

/** The cases of one file of the suite. */
export function parseCases(file: string, text: string): IsoCase[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map(part => {
      const end = part.indexOf('\n')
      const title = part.slice(0, end)
      const [body = '', ...sections] = part.slice(end + 1).split(/^--- /m)
      return parseCase(file, title, body, sections)
    })
}

function parseCase(file: string, title: string, body: string, sections: readonly string[]): IsoCase {
  const marked = /^\s*(?:program|unit)\b/i.test(body) || /program «/.test(body) ? body : HEADING + body
  const open = marked.indexOf('«')
  const close = marked.indexOf('»')
  const before = marked.slice(0, open)
  const place =
    open < 0
      ? undefined
      : {
          line: before.split('\n').length,
          column: before.length - before.lastIndexOf('\n'),
          width: close - open - 1,
        }
  let input = ''
  const files: Record<string, string> = {}
  let outcome: Outcome | undefined
  for (const section of sections) {
    const end = section.indexOf('\n')
    const [kind = '', code = '', line] = section.slice(0, end).split(' ')
    const text = section.slice(end + 1)
    if (kind === 'input') input = text
    else if (kind === 'file') files[code] = text
    else if (kind === 'output') outcome = { kind, text }
    else if (kind === 'rejected') outcome = { kind, code: `pascal.${code}` }
    else if (kind === 'stops')
      outcome = { kind, code: `pascal.${code}`, line: line === undefined ? undefined : Number(line) }
  }
  if (outcome === undefined) throw new Error(`${file}: ${title} has no outcome`)
  return { file, title, program: marked.replace(/[«»]/g, ''), input, files, outcome, place }
}
