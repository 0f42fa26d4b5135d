import { DoppelError } from '@doppel/base'

/** One paragraph: field names in lower case; continuation lines joined by newlines without their first space. */
export type Stanza = ReadonlyMap<string, string>

/** No paragraph of an archive's index comes near this; a longer one is not an index. */
const MAX_STANZA_BYTES = 8 << 20

/** Reads one paragraph of Debian control data (Debian Policy §5.1). Throws `debian.syntax` naming the line. */
export function parseStanza(text: string): Stanza {
  const fields = new Map<string, string>()
  let name: string | undefined
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (name === undefined) throw syntax(index, line, 'a continuation line has no field before it')
      fields.set(name, `${fields.get(name) ?? ''}\n${line.slice(1).trimEnd()}`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon <= 0) throw syntax(index, line, 'a field is written as Name: value')
    name = line.slice(0, colon).toLowerCase()
    if (fields.has(name)) throw syntax(index, line, `the field occurs twice`)
    fields.set(name, line.slice(colon + 1).trim())
  }
  return fields
}

/** All paragraphs of a small document. Throws `debian.syntax`. */
export function parseStanzas(text: string): Stanza[] {
  return text
    .replaceAll('\r\n', '\n')
    .split(/\n[ \t]*(?:\n[ \t]*)+/)
    .map(parseStanza)
    .filter(stanza => stanza.size > 0)
}

/**
 * Cuts a stream into the texts of its paragraphs without parsing them: an index of a whole suite holds some 66,000,
 * of which a caller wants a handful. Throws `debian.syntax` when a paragraph is larger than 8 MiB.
 */
export async function* stanzaTexts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let pending = ''
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = pending.indexOf('\n\n', start); end >= 0; end = pending.indexOf('\n\n', start)) {
      if (end > start) yield pending.slice(start, end)
      start = end + 2
    }
    pending = pending.slice(start)
    if (pending.length > MAX_STANZA_BYTES) {
      throw new DoppelError('debian.syntax', `a paragraph exceeds ${MAX_STANZA_BYTES} bytes; expected a package index`)
    }
  }
  const last = (pending + decoder.decode()).trim()
  if (last !== '') yield last
}

function syntax(index: number, line: string, reason: string): DoppelError {
  return new DoppelError('debian.syntax', `line ${index + 1}: ${reason}, but it is '${line.slice(0, 80)}'`, {
    line: index + 1,
  })
}
