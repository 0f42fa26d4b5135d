import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

// The example page in Debian's browser.
const CHROMIUM = '/usr/bin/chromium'
const SERVE = fileURLToPath(new URL('../../../examples/pascal-playground/serve.js', import.meta.url))

let url = ''
let browser: Browser | undefined
let server: ReturnType<typeof spawn> | undefined
let page: Page
let faults: string[]
beforeAll(async () => {
  server = spawn(process.execPath, [SERVE, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  url = line.toString().trim()
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
})
afterAll(async () => {
  await browser?.close()
  server?.kill()
})
beforeEach(async () => {
  page = await (browser as Browser).newPage()
  faults = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => message.type() === 'error' && faults.push(message.text()))
  await page.goto(url)
  await page.locator('#pcode').filter({ hasText: 'primes' }).waitFor()
})

const text = async (id: string): Promise<string> => (await page.locator(id).textContent()) ?? ''
async function status(words: RegExp): Promise<void> {
  await expect.poll(() => text('#status'), { timeout: 20_000 }).toMatch(words)
}

test('a program is shown as p-code and WebAssembly, and runs', async () => {
  expect(await text('#pcode')).toMatch(/lodi|lds/)
  expect(await text('#wasm')).toMatch(/^ +loop/m)
  await page.locator('#run').click()
  await status(/^status 0/)
  expect(await text('#output')).toMatch(/^ {3}2 {3}3 {3}5 .* 97\n$/)
  await page.locator('#examples').selectOption('list')
  await page.locator('#run').click()
  await expect.poll(() => text('#output')).toBe('3\n2\n1\n')
  await page.locator('#routines').selectOption({ label: 'push' })
  expect(await text('#wasm')).toContain('call $')
  expect(faults).toEqual([])
})

test('what is wrong is told while it is typed', async () => {
  await page.locator('#source').fill('program p;\nbegin\n  x := 1\nend.')
  await status(/mistakes on 1 line/)
  expect(await text('#pcode')).toContain('pascal.undeclared')
  expect(await page.locator('#gutter .bad').textContent()).toBe('3')
  await page.locator('#source').fill('program p;\nvar x: integer;\nbegin\n  x := 1\nend.')
  await status(/^$/)
  expect(faults).toEqual([])
})

test('an endless program leaves the page alive, and is stopped', async () => {
  await page
    .locator('#source')
    .fill('program p; var i: integer; begin i := 0; while true do i := (i + 1) mod 1000 end.')
  await page.locator('#run').click()
  await status(/running/)
  await page.locator('#stop').click()
  await status(/stopped/)
  expect(faults).toEqual([])
})

test('a program is debugged: a breakpoint, steps, variables, the place of its mistake', async () => {
  await page.locator('#examples').selectOption('mistake')
  await page.locator('#gutter > [data-line="8"]').click()
  await page.locator('#debug').click()
  await status(/breakpoint/)
  expect(await text('#variables')).toBe(
    'fill, line 8\n  first = 1\n  k = 0\nmistake, line 11\n  output = text (closed)\n  a = [undefined, undefined, undefined, undefined, undefined]\n  i = undefined',
  )
  expect(await page.locator('#gutter .here').textContent()).toBe('8')
  await page.locator('[data-run=over]').click()
  await status(/step/)
  await page.locator('#gutter > [data-line="8"]').click()
  await page.locator('[data-run=continue]').click()
  await status(/pascal\.range/)
  expect(await text('#variables')).toContain('k = 4')
  await page.locator('[data-run=continue]').click()
  await status(/status 1/)
  expect(faults).toEqual([])
})
