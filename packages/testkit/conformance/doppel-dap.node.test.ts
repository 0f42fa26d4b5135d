import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DapClient } from './dap-client.ts'
import { doppel, DOPPEL, TerminalSession } from './doppel-process.ts'

const execute = promisify(execFile)
const SOURCE = fileURLToPath(new URL('dap/orchard.c', import.meta.url))
const FLAGS =
  '-nostdlib -ffreestanding -march=rv64gc -mabi=lp64d -mcmodel=medany -Wl,-Ttext=0x80000000 -Wl,--no-relax -Wl,--no-warn-rwx-segments'
const KINDS = ['-g -O0', '-g -O2', '-gdwarf-4 -O1'] as const

let folder: string
let lines: readonly string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-dap-'))
  lines = (await readFile(SOURCE, 'utf8')).split('\n')
  for (const kind of KINDS) {
    await execute('riscv64-unknown-elf-gcc', [...kind.split(' '), ...FLAGS.split(' '), '-o', elf(kind), SOURCE])
  }
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})
const elf = (kind: (typeof KINDS)[number]): string => join(folder, `orchard${kind.replaceAll(' ', '')}.elf`)
/** The line that has these words. */
const lineOf = (words: string): number => lines.findIndex(line => line.includes(words)) + 1

async function launched(configuration: object): Promise<DapClient> {
  const client = new DapClient()
  await client.ask('initialize', { adapterID: 'doppel' })
  await client.ask('launch', configuration)
  await client.event('initialized')
  return client
}

/** A stop as both debuggers tell of it. */
interface Seen {
  readonly stack: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly values: readonly string[]
}
/** Lines in the order in which they are come to, and how often each is stopped at. */
const STOPS: readonly (readonly [words: string, times: number])[] = [
  ['fresh->where.y = -v', 3],
  ['fresh->name[i] = letter', 2],
  ['int top = climb', 1],
  ['if (n < 2)', 3],
  ['list = list->next', 3],
]
const VALUES = [
  'pool[1]',
  'pool[2].where.x * 2 + 1',
  '&pool[2]',
  'greeting',
  'ratio',
  '*(pool + 1)',
  'pool[3].colour',
  'picked',
  '$sp',
  'stack[3]',
  '-pool[1].bits',
]

const SETTINGS = [
  'confirm off',
  'style enabled off',
  'width 0',
  'print null-stop on',
  'print repeats unlimited',
  'print frame-arguments none',
  'print entry-values no',
  'backtrace past-main on',
]

async function seenByGdb(program: string): Promise<Seen[]> {
  const machine = new TerminalSession(`${process.execPath} ${DOPPEL} run --gdb 0 --gdb-wait ${program}`)
  const [, port = ''] = await machine.shows(/target remote :(\d+)/)
  const asked = ['backtrace', 'info args', 'info locals', ...VALUES.map(value => `output ${value}`)]
  const look = ['continue', 'echo \\n@stop\\n', ...asked.flatMap(command => [command, 'echo \\n@@\\n'])]
  const commands = [
    ...SETTINGS.map(setting => `set ${setting}`),
    `target remote :${port}`,
    ...STOPS.flatMap(([words, times]) => [
      'delete',
      `break orchard.c:${lineOf(words)}`,
      ...Array.from({ length: times }, () => look).flat(),
    ]),
    'kill',
  ]
  const script = `${program}.gdb`
  await writeFile(script, commands.join('\n'))
  const { stdout } = await execute('gdb-multiarch', ['-batch', '-nx', '-x', script, program], { timeout: 100_000 })
  await machine.ended
  return stdout.split('\n@stop\n').slice(1).map(readStop)
}
function readStop(text: string): Seen {
  const [stack = '', args = '', locals = '', ...values] = text.split('\n@@\n').map(part => part.trim())
  const variables = [...`${args}\n${locals}`.matchAll(/^(\w+) = (.*)$/gm)]
  return {
    stack: [...stack.matchAll(/^#\d+ +(?:0x\w+ in )?(\w+) .*:(\d+)$/gm)].map(([, name, line]) => `${name}:${line}`),
    variables: Object.fromEntries(variables.toReversed().map(([, name = '', value = '']) => [name, value])),
    values: values.slice(0, VALUES.length).map(plain),
  }
}
/** Without a pointer's type, which GDB shows of values by themselves. */
function plain(value: string): string {
  return value.replace(/^\([^()]*\*\) /, '')
}

async function seenByDap(program: string): Promise<Seen[]> {
  const client = await launched({ program })
  const seen: Seen[] = []
  let begins = true
  for (const [words, times] of STOPS) {
    await client.breakAt(SOURCE, [lineOf(words)])
    for (let i = 0; i < times; i++) {
      await client.run(begins ? 'configurationDone' : 'continue')
      begins = false
      const frames = await client.frames()
      const variables = await client.locals(frames[0]?.id)
      const values: string[] = []
      for (const value of VALUES) values.push(await client.value(value, frames[0]?.id))
      seen.push({
        stack: frames.map(({ name, line }) => `${name}:${line}`),
        variables: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
        values,
      })
    }
  }
  await client.ask('disconnect')
  await client.close()
  return seen
}

describe.each(KINDS)('a C program compiled with %s', kind => {
  test('shows the stacks, variables and values at its stops that GDB shows', async () => {
    const [gdb, dap] = await Promise.all([seenByGdb(elf(kind)), seenByDap(elf(kind))])
    expect(dap).toEqual(gdb)
    expect(dap).toHaveLength(STOPS.reduce((sum, [, times]) => sum + times, 0))
  })
})

test('a configuration with a flag of doppel run that has no place in a debugger is refused', async () => {
  const client = new DapClient()
  await client.ask('initialize', { adapterID: 'doppel' })
  const program = elf('-g -O0')
  const refused = await client.tries('launch', { program, breakOn: 'trap:illegal' })
  expect([refused.success, refused.message]).toEqual([false, 'dap.flag'])
  // Clients have keys of their own.
  await client.ask('launch', { program, name: 'orchard', type: 'doppel', preLaunchTask: 'make', profile: false })
  await client.ask('disconnect')
  await client.close()
})

describe('a deterministic run', () => {
  const program = (): string => elf('-g -O0')
  const at = async (client: DapClient): Promise<string> => {
    const [frame] = await client.frames()
    return `${frame?.name}:${frame?.line}`
  }

  test('is stepped through by its lines, over and into calls and out of them, by each activation of its own', async () => {
    const client = await launched({ program: program(), deterministic: true })
    await client.breakAt(SOURCE, [lineOf('int top = climb')])
    await client.run('configurationDone')
    await client.run('stepIn')
    expect(await at(client)).toBe(`climb:${lineOf('if (n < 2)')}`)
    await client.run('next')
    await client.run('next')
    expect(await at(client)).toBe(`climb:${lineOf('int right')}`)
    expect([await client.value('n'), await client.value('left')]).toEqual(['6', '5'])
    await client.run('stepIn')
    expect([await at(client), await client.value('n')]).toEqual([`climb:${lineOf('if (n < 2)')}`, '4'])
    await client.run('stepOut')
    expect([await at(client), await client.value('n')]).toEqual([`climb:${lineOf('int right')}`, '6'])
    await client.run('stepOut')
    await client.run('next')
    expect([await at(client), await client.value('top')]).toEqual([`main:${lineOf('long weight')}`, '8'])
    await client.ask('disconnect')
    await client.close()
  })

  test('goes backwards to the line that wrote a variable, and from there line by line, and forward again', async () => {
    const client = await launched({ program: program(), deterministic: true })
    expect((await client.event('capabilities'))['body']).toMatchObject({ capabilities: { supportsStepBack: true } })
    await client.breakAt(SOURCE, [lineOf('int top = climb')])
    await client.run('configurationDone')
    await client.breakAt(SOURCE, [])
    const { dataId } = await client.ask('dataBreakpointInfo', {
      name: 'pool[2].where.y',
      frameId: (await client.frames())[0]?.id,
    })
    await client.ask('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] })
    const written = await client.run('reverseContinue')
    expect(written).toMatchObject({ reason: 'data breakpoint', text: 'pool[2].where.y: 0 → -2' })
    expect([await at(client), await client.value('v')]).toEqual([`push:${lineOf('where.y = -v')}`, '2'])
    await client.ask('setDataBreakpoints', { breakpoints: [] })
    // The line had begun: back to where it did, and to the lines before it, over what they called.
    await client.run('stepBack')
    expect([await at(client), await client.value('fresh->where.x')]).toEqual([`push:${lineOf('where.y = -v')}`, '4'])
    await client.run('stepBack')
    expect([await at(client), await client.value('fresh->where.x')]).toEqual([`push:${lineOf('= twice(v)')}`, '0'])
    await client.run('stepBack')
    await client.run('stepBack')
    expect(await at(client)).toBe(`push:${lineOf('*fresh = &pool')}`)
    await client.run('stepBack')
    // The function's own beginning, before its parameters are in their places.
    expect(await at(client)).toBe(`push:${lineOf('*push(')}`)
    await client.run('stepBack')
    expect([await at(client), await client.value('v')]).toEqual([`main:${lineOf('list = push')}`, '2'])
    await client.breakAt(SOURCE, [lineOf('fresh->flag = v')])
    await client.run('reverseContinue')
    expect([await at(client), await client.value('v')]).toEqual([`push:${lineOf('fresh->flag = v')}`, '1'])
    expect(await client.run('reverseContinue')).toMatchObject({ reason: 'breakpoint' })
    expect(await client.run('reverseContinue')).toMatchObject({ reason: 'entry' })
    expect((await client.frames())[0]?.name).toBe('_start')
    await client.run('continue')
    expect([await at(client), await client.value('v')]).toEqual([`push:${lineOf('fresh->flag = v')}`, '0'])
    await client.breakAt(SOURCE, [])
    // Its end is held, so that it can be gone back from.
    expect(await client.run('continue')).toMatchObject({ reason: 'pause' })
    await client.ask('continue', { threadId: 1 })
    expect((await client.event('exited')).body).toEqual({ exitCode: 0 })
    await client.ask('disconnect')
    await client.close()
  })

  test('shows what is below its source: registers, memory, instructions, and stops at one', async () => {
    const client = await launched({ program: program(), stopAtEntry: true })
    await client.ask('configurationDone')
    await client.event('stopped')
    await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'weigh' }] })
    await client.run('continue')
    const [frame] = await client.frames()
    const memoryReference = String(frame?.instructionPointerReference)
    const shown = await client.ask('disassemble', { memoryReference, instructionOffset: -4, instructionCount: 8 })
    const instructions = shown['instructions'] as { address: string; instruction: string; symbol?: string }[]
    expect(instructions[4]?.address).toBe(memoryReference)
    const { stdout } = await execute('riscv64-unknown-elf-objdump', ['-d', '-M', 'no-aliases', program()])
    for (const { address } of instructions) expect(stdout).toContain(`${address.slice(2)}:\t`)
    const second = instructions[6]?.address
    await client.ask('setInstructionBreakpoints', { breakpoints: [{ instructionReference: second }] })
    await client.run('continue')
    expect((await client.frames())[0]?.instructionPointerReference).toBe(second)
    await client.run('stepIn', { threadId: 1, granularity: 'instruction' })
    expect((await client.frames())[0]?.instructionPointerReference).toBe(instructions[7]?.address)
    const { memoryReference: pool } = await client.ask('evaluate', {
      expression: 'pool',
      frameId: (await client.frames())[0]?.id,
    })
    const read = await client.ask('readMemory', { memoryReference: pool, offset: 8, count: 3 })
    expect(Buffer.from(String(read['data']), 'base64').toString()).toBe('abc')
    await client.ask('writeMemory', { memoryReference: pool, offset: 8, data: Buffer.from('xyz').toString('base64') })
    expect(await client.value('pool[0].name')).toBe('"xyz"')
    await client.ask('setExpression', {
      expression: 'factor',
      value: "'a' + 2",
      frameId: (await client.frames())[0]?.id,
    })
    expect(await client.value('factor')).toBe("99 'c'")
    expect((await client.tries('reverseContinue', { threadId: 1 })).message).toBe('dap.back')
    await client.ask('disconnect')
    await client.close()
  })
})

test('a machine that runs is attached to, stopped, looked at, changed, and goes on when its debugger has gone', async () => {
  const program = join(folder, 'endless.elf')
  const source = join(folder, 'endless.c')
  const code = [
    'volatile long turns, goal = -1;',
    'long count(long n) {',
    '  return n + 1;',
    '}',
    'unsigned char stack[4096] __attribute__((aligned(16)));',
    'int main(void) { while (turns != goal) turns = count(turns); *(volatile int *)0x100000 = 0x5555; return 0; }',
    '__attribute__((naked)) void _start(void) { __asm__("la sp, stack + 4096\\n call main\\n1: j 1b"); }',
  ]
  await writeFile(source, code.join('\n'))
  await execute('riscv64-unknown-elf-gcc', ['-g', '-O0', ...FLAGS.split(' '), '-o', program, source])
  const state = join(folder, 'state')
  const env = { XDG_RUNTIME_DIR: state }
  await mkdir(state, { recursive: true })
  await doppel(['run', '-d', '--name', 'endless', program], { env })
  try {
    const client = new DapClient(env)
    await client.ask('initialize', { adapterID: 'doppel' })
    expect((await client.tries('attach', { machine: 'nobody' })).success).toBe(false)
    const missing = { machine: 'endless', symbols: [join(folder, 'missing.elf')] }
    expect((await client.tries('attach', missing)).message).toBe('symbols.file')
    await client.ask('attach', { machine: 'endless' })
    await client.event('initialized')
    await client.breakAt(source, [3])
    await client.run('configurationDone')
    expect((await client.frames()).map(({ name }) => name)).toEqual(['count', 'main', '_start'])
    expect(await client.value('n == turns')).toBe('1')
    await client.breakAt(source, [])
    await client.ask('setExpression', {
      expression: 'goal',
      value: 'turns + 1000',
      frameId: (await client.frames())[0]?.id,
    })
    await client.ask('disconnect')
    await client.close()
    await doppel(['logs', '--follow', 'endless'], { env })
    const listed = (await doppel(['ps', '-a', '--json'], { env })).stdout.toString()
    expect(JSON.parse(listed)).toMatchObject([{ name: 'endless', ended: { kind: 'poweroff' } }])
  } finally {
    await doppel(['rm', '-f', 'endless'], { env })
  }
})
