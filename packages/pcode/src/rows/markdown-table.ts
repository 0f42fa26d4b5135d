/** A table whose columns are as wide as their widest cell, as the project's formatter lays it out. */
export function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows
  const widths = head.map((_, i) => Math.max(3, ...rows.map(row => (row[i] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.slice(1).map(line)]
}
