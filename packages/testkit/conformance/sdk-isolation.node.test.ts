import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Machine } from 'doppel'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-isolation-'))
  process.env['XDG_RUNTIME_DIR'] = folder
})
afterAll(() => rm(folder, { recursive: true }))
const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  )

test.each(['worker', 'process', 'jailed'] as const)(
  'a machine kept apart (%s) has the same handle',
  async isolation => {
    const disk = join(folder, `${isolation}.img`)
    await writeFile(disk, new Uint8Array(1 << 20))
    const vm = await Machine.create('linux', { memory: '128M', isolation, disks: [disk], share: 200 })
    expect(await vm.commands.run('echo hi >/dev/vda; sync; exit 3')).toMatchObject({ exitCode: 3 })
    expect((await readFile(disk)).subarray(0, 3).toString()).toBe('hi\n')
    await vm.files.write('/srv/page', 'from the guest')
    await vm.commands.run('httpd -f -p 8000 -h /srv & until netstat -ltn | grep -q :8000; do sleep 0.1; done')
    expect(await (await fetch(`http://${await vm.getHost(8000)}/page`)).text()).toBe('from the guest')
    expect(await vm.getMetrics()).toMatchObject({ state: 'running', share: 200, cpus: 1 })
    let shown = ''
    const onData = (bytes: Uint8Array): void => void (shown += new TextDecoder().decode(bytes))
    const pty = await vm.pty.create({ columns: 70, rows: 20, command: ['stty', 'size'], onData })
    expect([await pty.wait(), shown.trim()]).toEqual([{ exitCode: 0 }, '20 70'])
    const [fork] = await vm.fork()
    await vm.files.write('/srv/page', 'changed')
    expect(await fork?.files.readText('/srv/page')).toBe('from the guest')
    await fork?.kill()
    expect(await fork?.wait()).toEqual({ kind: 'stopped' })
    // A jail has no place for files but its own.
    const outside = join(folder, 'outside.snap')
    expect([await codeOf(vm.saveSnapshot(outside)), existsSync(outside)]).toEqual(
      isolation === 'jailed' ? ['snapshot.file', false] : ['no error', true],
    )
    await rm(outside, { force: true })
    if (isolation !== 'worker') {
      // Whatever becomes of its process, this one goes on.
      const { pid } = JSON.parse(await readFile(join(folder, 'doppel', vm.id, 'machine.json'), 'utf8')) as {
        pid: number
      }
      process.kill(pid, 'SIGKILL')
      expect(await vm.wait()).toEqual({ kind: 'lost' })
      expect(await codeOf(vm.commands.run('true'))).toMatch(/^control\./)
    }
    await vm[Symbol.asyncDispose]()
  },
)

test('a machine ends with the program that made it, however that ended', async () => {
  const code =
    "import { Machine } from 'doppel'; await Machine.create('linux', { memory: '128M', isolation: 'process' }); process.kill(process.pid, 'SIGKILL')"
  spawnSync(process.execPath, ['--conditions=source', '--input-type=module', '-e', code], { cwd: import.meta.dirname })
  for (let tries = 0; tries < 100 && (await Machine.list()).some(({ state }) => state === 'running'); tries++) {
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  expect((await Machine.list()).filter(({ state }) => state !== 'dead')).toEqual([])
})

test('what a level cannot do is refused before anything starts', async () => {
  const volumes = [`${folder}:/x`]
  expect(await codeOf(Machine.create('linux', { isolation: 'jailed', volumes }))).toBe('isolation.volume')
  expect((await Machine.list()).filter(({ state }) => state !== 'dead')).toEqual([])
})
