import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from './cli.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './commands.ts'
import { runCommand } from './commands/run.ts'
import { parseCommandLine } from './parse.ts'
import { progressBar } from './progress-bar.ts'
import { type RunOptions, readRunOptions } from './run-options.ts'

let folder: string
let elf: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-cli-'))
  elf = join(folder, 'prog.elf')
  await writeFile(elf, 'ELF')
})
afterEach(() => rm(folder, { recursive: true }))

function captured(stderrIsTerminal = false) {
  const texts = { out: '', err: '' }
  const streams = {
    stdout: (text: string): void => void (texts.out += text),
    stderr: (text: string): void => void (texts.err += text),
    stderrIsTerminal,
  }
  return { texts, streams }
}

async function cli(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const { texts, streams } = captured()
  const env = { XDG_CACHE_HOME: folder, XDG_DATA_HOME: join(folder, 'data'), XDG_RUNTIME_DIR: folder }
  const status = await runCli(args, env, streams)
  return { status, ...texts }
}

const options = async (...args: string[]): Promise<RunOptions> =>
  await readRunOptions(parseCommandLine(runCommand, args, {}, captured().streams))

describe('completion', () => {
  /** What bash, with our script, offers for the last of these words. */
  const offered = async (...words: string[]): Promise<string[]> => {
    const { out } = await cli('completion', 'bash')
    const quoted = words.map(word => `'${word}'`).join(' ')
    const ask = `doppel() { echo web; }\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _doppel; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', `${out}\n${ask}`], { encoding: 'utf8' })
      .trim()
      .split('\n')
  }

  test('offers commands, second words, flags and machines', async () => {
    expect(await offered('doppel', 're')).toEqual(['restart', 'resume', 'record', 'replay', 'restore'])
    expect(await offered('doppel', 'image', '')).toEqual(['pull', 'import', 'build', 'ls', 'rm'])
    expect(await offered('doppel', 'exec', '--w')).toEqual(['--workdir'])
    expect(await offered('doppel', 'snapshot', 'create', '--w')).toEqual(['--whole'])
    expect(await offered('doppel', 'exec', 'w')).toEqual(['web'])
  })
})

describe('the command line', () => {
  test('without a command shows the help and fails', async () => {
    expect(await cli()).toMatchObject({ status: 2, err: '', out: expect.stringContaining('Commands:') as string })
  })

  test('--version', async () => expect((await cli('--version')).out).toMatch(/^doppel \d+\.\d+\.\d+\n$/))

  test.each(COMMANDS.map(command => [command.name, command] as const))(
    '%s --help names each flag and shows examples that parse',
    async (name: string, command: Command) => {
      const { status, out } = await cli(...name.split(' '), '--help')
      expect(status).toBe(0)
      if (command.runWords) return
      for (const flag of command.flags) expect(out).toContain(`--${flag.name}`)
      for (const [example] of command.examples) {
        expect(out).toContain(example)
        const args = example.split(' ').slice(1 + name.split(' ').length)
        expect(() => parseCommandLine(command, args, {}, captured().streams)).not.toThrow()
      }
    },
  )

  test.each([
    [['rum', 'linux'], /^doppel: doppel has no command 'rum'; did you mean 'doppel run'\? \[cli\.command\]\n$/],
    [['run', '--memroy', '1G', 'linux'], /did you mean --memory\? \[cli\.flag\]\n$/],
    [['run', '--zzzzzzz', 'linux'], /see doppel run --help \[cli\.flag\]\n$/],
    [['run', 'linux', 'uname'], /'uname' is one argument too many; a guest's command comes after --/],
    [['run', '--memory'], /--memory needs a value: --memory SIZE \[cli\.flag-value\]/],
    [['run', '--append', '-x', 'linux'], /write --append=-x/],
    [['run', '--stats=yes', 'linux'], /--stats takes no value/],
    [['run', '-m', '1G', '--memory', '2G', 'linux'], /given twice/],
    [['run'], /nothing to run; expected an image/],
    [['run', 'linux', '--'], /no command follows --/],
    [['run', '--cpus', '9', 'linux'], /--cpus is '9'; expected a whole number from 1 to 8/],
    [['run', '--cpus', '0', 'linux'], /\[cli\.flag-value\]/],
    [['run', '-m', 'lots', 'linux'], /--memory: 'lots' is not a size/],
    [['run', '-m', '1M', 'linux'], /16\.0 MiB to 3\.9 GiB/],
    [['run', '--dump-region', 'main', 'linux'], /--dump-region is 'main'; expected an address in hexadecimal/],
    [['run', '--engine', 'magic', 'linux'], /expected interpreter or translator/],
    [['run', '--timeout', 'soon', 'linux'], /a time such as 30s/],
    [['run', '--volume', '.', 'linux'], /expected FOLDER:GUEST/],
    [['image', 'ls', '--', 'x'], /takes nothing after --/],
  ])('doppel %j says what is wrong in one line and exits 2', async (args, message) => {
    const { status, out, err } = await cli(...args)
    expect([status, out]).toEqual([2, ''])
    expect(err).toMatch(message)
    expect(err.split('\n')).toHaveLength(2)
  })

  test.each([
    [['run', 'no-such.elf'], /no image doppel knows.*no-such\.elf: there is no such file \[run\.file\]/],
    [['run', '--kernel', '/', 'linux'], /--kernel: \/: it is a folder \[run\.file\]/],
    [['run', '--disk', 'absent.img', 'linux'], /absent\.img: there is no such file/],
    [['run', '--volume', '/no/such:/x', 'linux'], /\/no\/such cannot be read \(ENOENT\)/],
    [['image', 'pull', 'linus'], /did you mean 'linux'\? \[image\.unknown\]/],
    [['image', 'rm', 'linux'], /there is no image 'linux' .*\[image\.absent\]/],
  ])('doppel %j is a failure of one line and exits 1', async (args, message) => {
    const { status, err } = await cli(...args)
    expect(status).toBe(1)
    expect(err).toMatch(message)
  })

  test('an empty cache lists no images, as JSON too', async () => {
    expect(JSON.parse((await cli('image', 'ls', '--json')).out)).toEqual([])
    expect((await cli('image', 'ls')).out).toBe('NAME  VERSION  ARCHITECTURE  SIZE\n')
  })
})

describe('volumes', () => {
  test('are made, listed and removed', async () => {
    expect((await cli('volume', 'create', 'data')).out).toBe('data\n')
    const [volume] = JSON.parse((await cli('volume', 'ls', '--json')).out) as { name: string; path: string }[]
    expect(volume).toMatchObject({ name: 'data', path: join(folder, 'data', 'doppel', 'volumes', 'data') })
    expect(await options('--volume', `${volume?.path}:/x`, 'linux')).toMatchObject({
      volumes: [{ hostPath: volume?.path }],
    })
    expect((await cli('volume', 'create', '../x')).err).toContain('[volume.name]')
    expect((await cli('create', '-v', 'data:/data', elf)).status).toBe(0)
    expect((await cli('volume', 'rm', 'data')).err).toMatch(/prog-elf-.* \(created\).*\[volume.in-use\]/)
    const { out } = await cli('ps', '-aq')
    expect((await cli('rm', out.trim())).status).toBe(0)
    expect((await cli('volume', 'rm', 'data')).status).toBe(0)
    expect((await cli('volume', 'inspect', 'data')).err).toContain('[volume.unknown]')
  })
})

describe('doppel run reads', () => {
  test('nothing but a name: 256 MiB, one hart, translated, a shell', async () => {
    expect(await options('linux')).toEqual({
      target: { kind: 'image', name: 'linux' },
      memoryBytes: 256 << 20,
      cpus: 1,
      disks: [],
      volumes: [],
      network: { mode: 'nat', publish: [], policy: { deny: [] } },
      engine: 'translator',
      stats: false,
      verbose: false,
      env: {},
    })
  })

  test('every flag', async () => {
    const flags = ['-m', '1.5G', '--cpus=4', '--kernel', elf, '--initrd', elf, '--append', 'quiet', '--firmware', elf]
    const more = ['--engine', 'interpreter', '--timeout', '2m', '--stats', '--verbose', '--disk', `${elf}:ro`]
    const shared = ['--disk', `${elf}:overlay`, '--disk', elf, '-v', `${folder}:/src:ro`, '--volume', `${folder}:/x`]
    expect(await options(...flags, ...more, ...shared, 'linux', '--', 'ls', '-l', '--help')).toEqual({
      target: { kind: 'image', name: 'linux' },
      memoryBytes: 1536 << 20,
      cpus: 4,
      kernel: elf,
      initrd: elf,
      append: 'quiet',
      firmware: elf,
      engine: 'interpreter',
      timeoutMs: 120_000,
      stats: true,
      verbose: true,
      disks: [
        { path: elf, mode: 'read-only' },
        { path: elf, mode: 'overlay' },
        { path: elf, mode: 'read-write' },
      ],
      volumes: [
        { hostPath: folder, guestPath: '/src', readOnly: true },
        { hostPath: folder, guestPath: '/x', readOnly: false },
      ],
      network: { mode: 'nat', publish: [], policy: { deny: [] } },
      command: ['ls', '-l', '--help'],
      env: {},
    })
  })

  test('a network', async () => {
    const rules = ['--allow', 'deb.debian.org', '--allow', '127.0.0.1:80', '--deny', '0.0.0.0/0:25']
    const ports = ['-p', '8080:80', '-p', '0.0.0.0:2222:22', '--publish', '443', '-p', '[::1]:1:2/tcp']
    expect(
      (await options('--network=nat', ...rules, ...ports, '--capture', '/x.pcap', '--network-rate', '2.5M', 'linux'))
        .network,
    ).toEqual({
      mode: 'nat',
      publish: [
        { hostAddress: '127.0.0.1', hostPort: 8080, guestPort: 80 },
        { hostAddress: '0.0.0.0', hostPort: 2222, guestPort: 22 },
        { hostAddress: '127.0.0.1', hostPort: 0, guestPort: 443 },
        { hostAddress: '::1', hostPort: 1, guestPort: 2 },
      ],
      policy: { allow: ['deb.debian.org', '127.0.0.1:80'], deny: ['0.0.0.0/0:25'] },
      capture: '/x.pcap',
      bitsPerSecond: 2_500_000,
    })
  })

  test.each(['0', '70000', 'a:b', '1:2:3', '80:', '8080:80/udp', ''])('no port in %o', async text => {
    await expect(options('-p', text, 'linux')).rejects.toMatchObject({ code: 'cli.flag-value' })
  })

  test('limits of disks', async () => {
    const flags = ['--disk-rate', '1.5M', '--disk-operations', '200', '--cap', '0.25']
    expect(await options(...flags, 'linux')).toMatchObject({
      diskRate: { bytesPerSecond: 1.5 * 1024 * 1024, operationsPerSecond: 200 },
      cap: 0.25,
    })
    for (const wrong of [
      ['--disk-rate', '0'],
      ['--disk-rate', 'x'],
      ['--disk-operations', '0'],
      ['--cap', '2'],
    ]) {
      await expect(options(...wrong, 'linux')).rejects.toMatchObject({ code: 'cli.flag-value' })
    }
  })

  test('a program by its path', async () => expect((await options(elf)).target).toEqual({ kind: 'elf', path: elf }))
})

describe('the progress bar', () => {
  const half = { label: 'linux', doneBytes: 50 << 20, totalBytes: 100 << 20 }

  test('is one line that is wiped', () => {
    const { texts, streams } = captured(true)
    const bar = progressBar(streams)
    bar.progress(half)
    expect(texts.err).toBe('\rlinux [############............] 50.0 MiB of 100.0 MiB')
    bar.clear()
    expect(texts.err).toMatch(/\r +\r$/)
  })

  test('is nothing when stderr is not a terminal', () => {
    const { texts, streams } = captured(false)
    progressBar(streams).progress(half)
    expect(texts.err).toBe('')
  })
})

test('whatever prints something of its own prints it as JSON, too', () => {
  // What a guest or another program prints, what is silent, and what is JSON anyhow.
  const exempt =
    'record replay trace exec logs attach cp top set inspect volume inspect network inspect java javac login logout completion pascal compile pascal disassemble pascal format'
  const without = COMMANDS.filter(({ flags }) => !flags.some(({ name }) => name === 'json')).map(({ name }) => name)
  expect(without.filter(name => !exempt.includes(name))).toEqual([])
})
