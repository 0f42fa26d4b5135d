/** `npm run bench:browser`: the kernels in Node and in Chromium, in turn. See docs/benchmarks.md. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { chromium, type Browser } from 'playwright-core'
import { compileKernel, KERNELS, runInNode } from './kernels.ts'
import type { KernelRun } from './kernel-run.ts'
import { importMap, servePage } from './page-server.ts'
import { parseOptions } from './options.ts'
import { geometricMean, median } from './table.ts'

/** Debian's browser. */
const CHROMIUM = '/usr/bin/chromium'
const PAGE = `<!doctype html><script type="importmap">${importMap()}</script>
<script type="module">
import { createRiscvCpu } from '@doppel/riscv'
import { runKernel } from '/packages/testkit/bench/kernel-machine.ts'
globalThis.run = async path => {
  const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer())
  return await runKernel({ name: path, bytes }, 1, config => createRiscvCpu(config, {}))
}
globalThis.isReady = true
</script>`

/** One run in a page of its own. */
async function runInPage(browser: Browser, url: string, path: string): Promise<KernelRun> {
  const page = await browser.newPage()
  try {
    await page.goto(url)
    await page.waitForFunction('globalThis.isReady')
    return await page.evaluate<KernelRun>(`globalThis.run(${JSON.stringify(path)})`)
  } finally {
    await page.close()
  }
}

const { names, rounds, paging } = parseOptions(
  process.argv.slice(2),
  KERNELS.map(([name]) => name),
)
const folder = await mkdtemp(join(tmpdir(), 'doppel-bench-'))
const chosen = KERNELS.map(([name]) => name).filter(name => names.length === 0 || names.includes(name))
const programs = new Map<string, string>()
for (const name of chosen) programs.set(`/${name}.elf`, await compileKernel(name, folder, paging))
const { server, url } = await servePage(PAGE, programs)
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
try {
  process.stdout.write(`Node ${process.version}, Chromium ${browser.version()}; medians of ${rounds}:\n\n`)
  process.stdout.write('| name | Node s | Chromium s | Node/Chromium |\n| --- | ---: | ---: | ---: |\n')
  const ratios: number[] = []
  for (const [path, program] of programs) {
    const [node, page]: [number[], number[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      const runs = [await runInNode(program, 'translator', 1), await runInPage(browser, url, path)] as const
      if (runs[0].output !== runs[1].output) {
        throw new DoppelError(
          'bench.checksum',
          `${path} computed ${runs[1].output} in the page; expected ${runs[0].output}`,
        )
      }
      node.push(runs[0].seconds)
      page.push(runs[1].seconds)
    }
    const [inNode, inPage] = [median(node), median(page)]
    ratios.push(inNode / inPage)
    const cells = [inNode.toFixed(2), inPage.toFixed(2), (inNode / inPage).toFixed(2)]
    process.stdout.write(`| ${path.slice(1, -4)} | ${cells.join(' | ')} |\n`)
  }
  process.stdout.write(`| geometric mean | | | ${geometricMean(ratios).toFixed(2)} |\n`)
} finally {
  await browser.close()
  server.close()
  await rm(folder, { recursive: true })
}
