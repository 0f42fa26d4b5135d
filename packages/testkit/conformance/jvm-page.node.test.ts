import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The example page in Debian's browser; what the program prints is what OpenJDK prints.
const CHROMIUM = '/usr/bin/chromium'
const SERVE = fileURLToPath(new URL('../../../examples/java-page/serve.js', import.meta.url))
const PROGRAM = `import java.nio.file.*;
import java.util.*;
import java.util.stream.*;
public class Main {
  public static void main(String[] args) throws Exception {
    System.out.println(Arrays.toString(args));
    System.out.println(IntStream.range(0, 5).mapToObj(i -> "x" + i).collect(Collectors.joining(",")));
    Path p = Files.writeString(Path.of("notes.txt"), "kept in memory");
    System.out.println(Files.readString(p) + " " + Files.size(p));
    Thread t = new Thread(() -> System.out.println("thread"));
    t.start();
    t.join();
    try { Object o = "text"; System.out.println((Integer) o); } catch (ClassCastException e) { System.out.println("cast"); }
    System.exit(7);
  }
}`

let [folder, url]: [string, string] = ['', '']
let browser: Browser | undefined
let server: ReturnType<typeof spawn> | undefined
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-page-'))
  writeFileSync(join(folder, 'Main.java'), PROGRAM)
  for (const words of [
    ['javac', '-d', folder, join(folder, 'Main.java')],
    ['jar', '--create', '--file', join(folder, 'app.jar'), '--main-class', 'Main', '-C', folder, 'Main.class'],
  ]) {
    const done = spawnSync(words[0] as string, words.slice(1), { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(done.stderr)
  }
  const jvms = '/usr/lib/jvm'
  const home = readdirSync(jvms).find(name => existsSync(join(jvms, name, 'lib', 'modules'))) ?? ''
  server = spawn(process.execPath, [SERVE, join(jvms, home), folder, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  url = line.toString().trim()
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
})
afterAll(async () => {
  await browser?.close()
  server?.kill()
  rmSync(folder, { recursive: true })
})

test('a JAR runs in a page: output, files, threads, exit status', async () => {
  const expected = spawnSync('java', ['-jar', 'app.jar', 'one', 'two'], { cwd: folder, encoding: 'utf8' })
  const page = await (browser as Browser).newPage()
  await page.goto(`${url}&arguments=one%20two`)
  const status = page.locator('#status')
  await status.filter({ hasText: /ended|failed/ }).waitFor({ timeout: 300_000 })
  expect([await page.locator('#output').textContent(), await status.textContent()]).toEqual([
    expected.stdout,
    `ended with status ${expected.status}`,
  ])
})

test('a JAR that is not there is said to be so', async () => {
  const page = await (browser as Browser).newPage()
  await page.goto(url.replace('app.jar', 'none.jar'))
  const status = page.locator('#status')
  await status.filter({ hasText: /ended|failed/ }).waitFor({ timeout: 300_000 })
  expect(await status.textContent()).toContain('none.jar: 404')
})
