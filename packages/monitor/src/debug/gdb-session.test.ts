import { type DebugStop, type DebugTarget, DoppelError, type WatchKind } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Landing, Travel } from '../travel/time-travel.ts'
import { GdbSession } from './gdb-session.ts'
import { encodePacket, PacketReader } from './packets.ts'

const MEMORY_BYTES = 64

/** A machine of two threads with two registers each and 64 bytes of memory from address 0x1000 on. */
class SmallTarget implements DebugTarget {
  readonly architecture = 'small'
  readonly features = [
    {
      name: 'small.cpu',
      registers: [
        { name: 'r', bits: 16 },
        { name: 'pc', bits: 64, type: 'code_ptr' },
      ],
    },
  ]
  readonly threads = 2
  readonly registers = [0, 1].map(() => [new Uint8Array(2), new Uint8Array(8)])
  readonly memory = new Uint8Array(MEMORY_BYTES)
  readonly log: string[] = []
  onStop: ((stop: DebugStop) => void) | undefined

  describe(thread: number): string {
    return `thread ${thread}`
  }
  readRegister(thread: number, register: number): Uint8Array | undefined {
    return this.registers[thread]?.[register]
  }
  writeRegister(thread: number, register: number, bytes: Uint8Array): boolean {
    const place = this.registers[thread]?.[register]
    if (place?.length !== bytes.length) return false
    place.set(bytes)
    return true
  }
  readMemory(_thread: number, address: bigint, lengthBytes: number, physical: boolean): Uint8Array {
    const at = Number(address) - (physical ? 0 : 0x1000)
    return this.memory.slice(Math.max(at, 0), at < 0 ? 0 : at + lengthBytes)
  }
  writeMemory(_thread: number, address: bigint, bytes: Uint8Array, physical: boolean): boolean {
    const at = Number(address) - (physical ? 0 : 0x1000)
    if (at < 0 || at + bytes.length > MEMORY_BYTES) return false
    this.memory.set(bytes, at)
    return true
  }
  setBreakpoint(_thread: number, address: bigint): void {
    this.log.push(`set ${address}`)
  }
  clearBreakpoint(address: bigint): void {
    this.log.push(`clear ${address}`)
  }
  setWatchpoint(_thread: number, address: bigint, lengthBytes: number, kind: WatchKind): boolean {
    this.log.push(`watch ${kind} ${address} ${lengthBytes}`)
    return address >= 0x1000n
  }
  clearWatchpoint(address: bigint): void {
    this.log.push(`unwatch ${address}`)
  }
  step(thread: number): 'done' {
    this.log.push(`step ${thread}`)
    return 'done'
  }
}

/** A way back that leads where it is told to. */
function pastOf(target: SmallTarget, landings: readonly (Landing | Error)[]): Travel {
  const left = [...landings]
  const land = (how: string): Promise<Landing> => {
    target.log.push(how)
    const next = left.shift()
    return next instanceof Error || next === undefined
      ? Promise.reject(next ?? new Error('no more'))
      : Promise.resolve(next)
  }
  return {
    stepBack: thread => land(`step back ${thread}`),
    continueBack: thread => land(`continue back ${thread}`),
    goTo: () => Promise.resolve(),
    interrupt: () => void target.log.push('interrupt'),
    changed: () => void target.log.push('changed'),
  }
}

function session(
  landings?: readonly (Landing | Error)[],
  sealed?: string,
): {
  readonly target: SmallTarget
  readonly gdb: GdbSession
  /** What is answered to packets, in order, acknowledgements aside. */
  readonly ask: (...texts: string[]) => Promise<string[]>
} {
  const target = new SmallTarget()
  const sent: string[] = []
  const reader = new PacketReader()
  const machine = {
    target,
    pause: () => {
      target.log.push('pause')
      return Promise.resolve()
    },
    resume: () => void target.log.push('resume'),
    kill: () => void target.log.push('kill'),
    monitor: (line: string) => Promise.resolve(line === 'help' ? 'none\n' : undefined),
    ...(landings && { travel: pastOf(target, landings) }),
    sealed,
  }
  const gdb = new GdbSession(machine, bytes => {
    for (const received of reader.feed(bytes)) if (received.kind === 'packet') sent.push(received.text)
  })
  const ask = async (...texts: string[]): Promise<string[]> => {
    for (const text of texts) gdb.receive(encodePacket(text))
    await gdb.settled()
    return sent.splice(0)
  }
  return { target, gdb, ask }
}

test('a machine stands still from the moment a debugger connects until it says so', async () => {
  const { target, ask } = session()
  expect(await ask('?')).toEqual(['T05thread:1;'])
  expect(await ask('vCont;c')).toEqual([])
  expect(target.log).toEqual(['pause', 'resume'])
})

test('registers and memory are read and written, of the thread that was chosen', async () => {
  const { target, ask } = session()
  expect(await ask('Hg2', 'P0=3412', 'p0', 'Hg1', 'p0', 'g')).toEqual([
    'OK',
    'OK',
    '3412',
    'OK',
    '0000',
    '00000000000000000000',
  ])
  expect(await ask('M1004,3:0a0b0c', 'm1003,5', 'X1000,2:#*', 'm1000,2')).toEqual(['OK', '000a0b0c00', 'OK', '232a'])
  expect(target.memory[4]).toBe(10)
  expect(await ask('m0,4', 'M1000,4:00', 'p9', 'Hg7', 'm1000')).toEqual(['E01', 'E01', 'E01', 'E01', 'E01'])
})

test('a machine that nothing may be written to says so, is read, stopped and stepped, and keeps its past', async () => {
  const { target, ask } = session([], 'it is recorded')
  const refused = 'E.it is recorded'
  expect(await ask('P0=3412', 'G34120000000000000000', 'M1004,3:0a0b0c', 'X1000,2:#*', 'c1234', 's1234')).toEqual(
    Array.from({ length: 6 }, () => refused),
  )
  expect(await ask('p0', 'm1000,6', 'Z0,1234,2', 's')).toEqual(['0000', '000000000000', 'OK', 'T05thread:1;'])
  expect(target.log).toEqual(['pause', 'set 4660', 'step 0'])
})

test('a breakpoint is told once, then the machine may go on', async () => {
  const { target, ask } = session()
  await ask('Z0,1234,2', 'vCont;c')
  target.onStop?.({ thread: 1 })
  expect(await ask()).toEqual(['T05thread:2;'])
  expect(await ask('z0,1234,2', 'vCont;s:2')).toEqual(['OK', 'T05thread:2;'])
  expect(target.log).toEqual(['pause', 'set 4660', 'resume', 'pause', 'pause', 'clear 4660', 'step 1'])
})

test('an access that is watched is told of with its address', async () => {
  const { target, ask } = session()
  expect(await ask('Z2,1010,8', 'Z3,10,4', 'Z9,0,0')).toEqual(['OK', 'E01', ''])
  await ask('c')
  target.onStop?.({ thread: 0, watched: { address: 0x1010n, kind: 'write' } })
  expect(await ask()).toEqual(['T05thread:1;watch:1010;'])
  expect(target.log.at(-1)).toBe('pause')
})

test('control-C stops a machine that runs, and says nothing to one that stands', async () => {
  const { gdb, ask } = session()
  gdb.receive(Uint8Array.of(3))
  expect(await ask()).toEqual([])
  await ask('c')
  gdb.receive(Uint8Array.of(3))
  expect(await ask()).toEqual(['T02thread:1;'])
})

test('control-C that overtakes what lets the machine go stops it', async () => {
  const { target, gdb, ask } = session()
  gdb.receive(Uint8Array.from([...encodePacket('c'), 3]))
  expect(await ask()).toEqual(['T02thread:1;'])
  expect(target.log.at(-1)).toBe('pause')
})

test('a debugger that goes, in whatever state, leaves nothing behind', async () => {
  for (const before of [['Z0,1,2'], ['Z0,1,2', 'c']]) {
    const { target, gdb, ask } = session()
    await ask(...before, 'Z2,1000,4')
    gdb.close()
    await gdb.settled()
    expect(target.log).toContain('clear 1')
    expect(target.log.at(-1)).toBe('resume')
    expect(target.onStop).toBeUndefined()
  }
})

test('who can go back says so, and tells where that has led', async () => {
  const watched = { address: 0x1010n, kind: 'write' } as const
  const { target, ask } = session([
    { thread: 1, isStart: false },
    { thread: 0, isStart: false, watched },
    { thread: 0, isStart: true },
  ])
  expect((await ask('qSupported:x'))[0]).toMatch(/;ReverseStep\+;ReverseContinue\+$/)
  expect(await ask('Hg2', 'bs', 'bc', 'bc', 'bx')).toEqual([
    'OK',
    'T05thread:2;',
    'T05thread:1;watch:1010;',
    'T05thread:1;replaylog:begin;',
    '',
  ])
  expect(target.log.slice(1)).toEqual(['step back 1', 'continue back 1', 'continue back 0'])
  expect(await session().ask('bc', 'bs')).toEqual(['', ''])
})

test('a step is of the thread that was chosen to go on', async () => {
  const { target, ask } = session([
    { thread: 0, isStart: false },
    { thread: 1, isStart: false },
  ])
  expect(await ask('Hg2', 'Hc1', 'bs', 'Hg1', 'Hc-1', 'Hg2', 'bs', 'Hc1', 's')).toEqual([
    'OK',
    'OK',
    'T05thread:1;',
    'OK',
    'OK',
    'OK',
    'T05thread:2;',
    'OK',
    'T05thread:1;',
  ])
  expect(target.log.slice(1)).toEqual(['step back 0', 'step back 1', 'step 0'])
})

test('a way back that leads nowhere says why; what the debugger writes is told to it', async () => {
  const { gdb, target, ask } = session([new DoppelError('travel.diverged', 'lost')])
  const [said = '', stop] = await ask('bc')
  expect([Uint8Array.fromHex(said.slice(1)), stop]).toEqual([
    new TextEncoder().encode('lost [travel.diverged]\n'),
    'T05thread:1;',
  ])
  await ask('M1000,1:07', 'X1000,0:', 'P0=3412', 'm1000,1')
  expect(target.log.filter(what => what === 'changed')).toHaveLength(2)
  gdb.receive(Uint8Array.of(3))
  expect(target.log).toContain('interrupt')
})

test('the end of what is recorded is a stop, for who waits for one', async () => {
  const { gdb, ask } = session([])
  expect(gdb.reachedEnd()).toBe(false)
  await ask('c')
  expect(gdb.reachedEnd()).toBe(true)
  expect(await ask()).toEqual(['T05thread:1;replaylog:end;'])
})

test('a machine that ends tells its debugger, which need not detach', async () => {
  const { target, gdb, ask } = session()
  await ask('c')
  gdb.ended(3)
  expect(await ask()).toEqual(['W03'])
  expect(target.log).toEqual(['pause', 'resume'])
})

test('the registers are described in pieces, threads are listed, monitor commands are passed on', async () => {
  const { ask } = session()
  const [first = '', rest = ''] = await ask(
    'qXfer:features:read:target.xml:0,40',
    'qXfer:features:read:target.xml:40,fff',
  )
  expect(first).toHaveLength(0x41)
  expect([first[0], rest[0]]).toEqual(['m', 'l'])
  expect(first.slice(1) + rest.slice(1)).toContain('<reg name="pc" bitsize="64" type="code_ptr"/>')
  expect(await ask('qfThreadInfo', 'qsThreadInfo', 'qThreadExtraInfo,2')).toEqual(['m1,2', 'l', '7468726561642031'])
  expect(await ask('qRcmd,68656c70')).toEqual(['6e6f6e650a'])
})

test('physical addresses are used while the debugger asks for them', async () => {
  const { ask } = session()
  await ask('M1000,1:7f')
  expect(await ask('Qqemu.PhyMemMode:1', 'm0,1', 'Qqemu.PhyMemMode:0', 'm0,1')).toEqual(['OK', '7f', 'OK', 'E01'])
})

test('whatever a debugger sends, it is answered or passed over', async () => {
  const letter = fc.constantFrom(...Array.from('?gGpPmMXHTZzbcsDqQvk,;:=0123456789abcdef'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(letter, { maxLength: 24 }), { maxLength: 12 }), async packets => {
      const { gdb, ask } = session()
      await ask(...packets.map(letters => letters.join('')))
      gdb.close()
      await gdb.settled()
    }),
    { numRuns: 300 },
  )
})
