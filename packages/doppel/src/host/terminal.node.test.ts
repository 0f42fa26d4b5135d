import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// util-linux's script(1) gives a program a terminal of its own; `stty -a` there tells whether it was given back.
const hasScript = spawnSync('script', ['--version']).status === 0

/** Runs a small program on a terminal, types `keys` once it says ready, and returns all that the terminal showed. */
async function onTerminal(body: string, keys: string, listensAfterMs = 0): Promise<string> {
  const terminal = new URL('./terminal.ts', import.meta.url).href
  const program = `const { openTerminal } = await import('${terminal}')
const keep = setInterval(() => {}, 1000)
const terminal = openTerminal(action => { console.log('<' + action + '>'); clearInterval(keep); void terminal.close() })
const listen = () => terminal.onInput(bytes => { console.log(JSON.stringify([...bytes])); ${body} })
if (${listensAfterMs} > 0) setTimeout(listen, ${listensAfterMs}); else listen()
console.log('ready', JSON.stringify(terminal.size()))`
  const folder = await mkdtemp(join(tmpdir(), 'doppel-terminal-'))
  const file = join(folder, 'program.mjs')
  await writeFile(file, program)
  const command = `stty rows 30 cols 100; '${process.execPath}' --conditions=source '${file}'; stty -a`
  const child = spawn('script', ['-qec', command, '/dev/null'], { timeout: 20_000, killSignal: 'SIGKILL' })
  let shown = ''
  child.stdout.on('data', (bytes: Buffer) => {
    const before = shown.includes('ready')
    shown += bytes.toString()
    if (!before && shown.includes('ready')) child.stdin.write(keys)
  })
  await once(child, 'close')
  await rm(folder, { recursive: true })
  return shown
}

test.skipIf(!hasScript)('keys reach the guest raw, Ctrl-A x does not, and the terminal is given back', async () => {
  const shown = await onTerminal('', 'a\x03\x01x')
  expect(shown).toContain('ready {"columns":100,"rows":30}')
  expect(shown).toContain('[97,3]')
  expect(shown).toContain('<quit>')
  expect(shown).toMatch(/ icanon/)
  expect(shown).toMatch(/\bisig icanon/)
})

test.skipIf(!hasScript)('what is typed before anybody listens is not lost', async () => {
  const shown = await onTerminal('', 'ab\x01x', 500)
  expect(shown).toContain('<quit>')
  expect(await onTerminal('terminal.close(); clearInterval(keep)', 'ab', 500)).toContain('[97,98]')
})

test.skipIf(!hasScript).each([
  ['an uncaught error', "throw new Error('boom')"],
  ['an ending signal', "process.kill(process.pid, 'SIGTERM')"],
  ['an exit', 'process.exit(3)'],
])('the terminal is given back after %s', async (_, body) => {
  const shown = await onTerminal(body, 'q')
  expect(shown).toContain('[113]')
  expect(shown).toMatch(/ icanon/)
})
