/** A text file's first page, which belongs to the editor, and each page after it: bytes. Lines lie within pages. */
const PAGE_BYTES = 1024
const CR = 13
const DLE = 16
const SPACE = 32
/** Blanks that one DLE can stand for. */
const MAX_INDENT = 255 - SPACE

/** The lines of a text file (II.0, “Text files”): DLE and a count stand for the blanks that a line begins with. */
export function textOfFile(bytes: Uint8Array): string {
  let text = ''
  for (let at = PAGE_BYTES; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === DLE) text += ' '.repeat(Math.max(0, (bytes[++at] ?? SPACE) - SPACE))
    else if (byte === CR) text += '\n'
    else if (byte !== 0) text += String.fromCharCode(byte)
  }
  return text
}

/** A text as a text file. A line that is longer than a page goes on in the next one. */
export function fileOfText(text: string): Uint8Array {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\n$/, '').split('\n')
  const pages: number[][] = []
  let page: number[] = []
  for (const line of lines) {
    const encoded = encodeLine(line)
    for (let at = 0; at < encoded.length; at += PAGE_BYTES) {
      const piece = encoded.slice(at, at + PAGE_BYTES)
      if (page.length + piece.length > PAGE_BYTES) {
        pages.push(page)
        page = []
      }
      page.push(...piece)
    }
  }
  pages.push(page)
  const bytes = new Uint8Array((pages.length + 1) * PAGE_BYTES)
  pages.forEach((each, i) => bytes.set(each, (i + 1) * PAGE_BYTES))
  return bytes
}

function encodeLine(line: string): number[] {
  const indent = Math.min(MAX_INDENT, /^ */.exec(line)?.[0].length ?? 0)
  const rest = Array.from(line.slice(indent), letter => letter.charCodeAt(0) & 0xff)
  return [...(indent > 0 ? [DLE, SPACE + indent] : []), ...rest, CR]
}
