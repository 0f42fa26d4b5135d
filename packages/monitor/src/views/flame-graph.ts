import type { CallNode, CallTree } from './call-tree.ts'

const WIDTH = 1200
const ROW = 17
const TOP = 48
const BOTTOM = 24
/** What is narrower cannot be seen. */
const MIN_WIDTH = 0.3
const CHARACTER_WIDTH = 6.6
const MAX_DEPTH = 256
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string =>
  // Control characters are not allowed in XML at all (XML 1.0 §2.2).
  text.replace(/[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]/g, '?').replace(/[&<>"']/g, c => ENTITIES[c] ?? c)

interface Box {
  readonly node: CallNode
  readonly depth: number
  /** In samples from the left. */
  readonly from: number
}

/** Boxes from the root up, each above its caller; those next to one another in the order of their names. */
function layOut(root: CallNode): Box[] {
  const boxes: Box[] = []
  const pending: Box[] = [{ node: root, depth: 0, from: 0 }]
  const perSample = WIDTH / Math.max(root.samples, 1)
  for (let box = pending.pop(); box; box = pending.pop()) {
    if (box.node.samples * perSample < MIN_WIDTH || box.depth > MAX_DEPTH) continue
    boxes.push(box)
    let from = box.from
    for (const node of [...box.node.calls.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      pending.push({ node, depth: box.depth + 1, from })
      from += node.samples
    }
  }
  return boxes
}

/** The same name has the same colour; what is the kernel's is warmer than what is a program's. */
function colour(name: string): string {
  const hash = Array.from(name).reduce((sum, c) => Math.imul(sum, 31) + c.charCodeAt(0), 7) >>> 0
  const [a, b] = [hash & 0x1f, (hash >>> 5) & 0x3f]
  return name.startsWith('0x') || name.startsWith('[')
    ? `rgb(${110 + a},${160 + b / 2},${200 + a})`
    : `rgb(${215 + a},${90 + b * 1.8},${50 + a})`
}

/**
 * A flame graph (Gregg, "The Flame Graph", CACM 59(6), 2016) as an SVG of its own: a click on a call shows it in full width,
 * the word below finds calls by a part of their name.
 */
export function flameGraph(tree: CallTree, title: string, unit: string): string {
  const boxes = layOut(tree.root)
  const total = Math.max(tree.root.samples, 1)
  const depth = boxes.reduce((most, box) => Math.max(most, box.depth), 0)
  const height = TOP + (depth + 1) * ROW + BOTTOM
  const rects = boxes.map(({ node, depth: row, from }) => {
    const [x, width] = [(from / total) * WIDTH, (node.samples / total) * WIDTH]
    const y = height - BOTTOM - (row + 1) * ROW
    const name = escaped(node.name)
    const share = ((100 * node.samples) / total).toFixed(2)
    const fits = Math.floor((width - 6) / CHARACTER_WIDTH)
    const text = fits < 3 ? '' : node.name.length <= fits ? name : `${escaped(node.name.slice(0, fits - 2))}..`
    return (
      `<g data-n="${name}" data-x="${from / total}" data-w="${node.samples / total}" data-d="${row}">` +
      `<title>${name} (${node.samples} ${unit}, ${share}%)</title>` +
      `<rect x="${x.toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${ROW - 1}" rx="1" fill="${colour(node.name)}"/>` +
      `<text x="${(x + 3).toFixed(2)}" y="${y + 12}">${text}</text></g>`
    )
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">
<style>text{font:11px monospace;pointer-events:none}g{cursor:pointer}g:hover rect{stroke:#000}.found rect{fill:#c0f}.head{font-size:16px}.word{pointer-events:all;cursor:pointer;fill:#06c}</style>
<rect width="100%" height="100%" fill="#fcfcf4"/>
<text class="head" x="${WIDTH / 2}" y="24" text-anchor="middle">${escaped(title)}</text>
<text class="word" id="all" x="10" y="24" visibility="hidden">show all</text>
<text class="word" id="find" x="${WIDTH - 70}" y="24">search</text>
<text id="told" x="10" y="${height - 8}"></text>
${rects.join('\n')}
<script><![CDATA[
${SCRIPT}
]]></script>
</svg>
`
}

/** Runs in the page; positions are shares of the whole width, kept in attributes. */
const SCRIPT = `(() => {
  const width = ${WIDTH}, character = ${CHARACTER_WIDTH}
  const groups = [...document.querySelectorAll('g')].map(g => ({
    g, rect: g.querySelector('rect'), text: g.querySelector('text'), name: g.dataset.n,
    x: +g.dataset.x, w: +g.dataset.w, depth: +g.dataset.d,
  }))
  const byId = id => document.getElementById(id)
  const show = (at, w, depth) => {
    for (const box of groups) {
      const isCaller = box.depth < depth && box.x <= at + 1e-9 && box.x + box.w >= at + w - 1e-9
      const isInside = box.depth >= depth && box.x >= at - 1e-9 && box.x + box.w <= at + w + 1e-9
      box.g.style.display = isCaller || isInside ? '' : 'none'
      const x = isCaller ? 0 : ((box.x - at) / w) * width
      const wide = isCaller ? width : (box.w / w) * width
      box.rect.setAttribute('x', x)
      box.rect.setAttribute('width', wide)
      box.text.setAttribute('x', x + 3)
      const fits = Math.floor((wide - 6) / character)
      box.text.textContent = fits < 3 ? '' : box.name.length <= fits ? box.name : box.name.slice(0, fits - 2) + '..'
    }
    byId('all').setAttribute('visibility', w < 1 ? 'visible' : 'hidden')
  }
  for (const box of groups) {
    box.g.addEventListener('click', () => show(box.x, box.w, box.depth))
    box.g.addEventListener('mouseover', () => { byId('told').textContent = box.g.querySelector('title').textContent })
  }
  byId('all').addEventListener('click', () => show(0, 1, 0))
  byId('find').addEventListener('click', () => {
    const part = prompt('Calls with this in their name:', '')
    if (part === null) return
    let share = 0
    const counted = []
    for (const box of [...groups].sort((a, b) => a.depth - b.depth)) {
      const isFound = part !== '' && box.name.includes(part)
      box.g.classList.toggle('found', isFound)
      // What lies above one that is counted is a part of it.
      if (!isFound || counted.some(c => c.x <= box.x + 1e-9 && c.x + c.w >= box.x + box.w - 1e-9)) continue
      counted.push(box)
      share += box.w
    }
    byId('told').textContent = part === '' ? '' : part + ': ' + (100 * share).toFixed(2) + '%'
  })
})()`
