import { expect, test } from 'vitest'
import { machineWith, type TestMachine } from '../../test/machines.ts'
import type { BoardPort, HartThread } from './messages.ts'
import { remoteCompiler, serveTranslations } from './serve-translations.ts'

type Listener = (message: unknown) => void

/** Both ends of a thread, in this one: messages arrive later, as between threads. */
function pair(): { readonly thread: HartThread; readonly port: BoardPort; readonly fail: (error: Error) => void } {
  let [toBoard, toThread]: [Listener, Listener] = [() => undefined, () => undefined]
  let onError: (error: Error) => void = () => undefined
  const thread: HartThread = {
    post: message => void Promise.resolve().then(() => toThread(structuredClone(message))),
    onMessage: listener => void (toBoard = listener),
    onError: listener => void (onError = listener),
    hold: () => undefined,
    terminate: () => undefined,
  }
  const port: BoardPort = {
    post: message => void Promise.resolve().then(() => toBoard(message)),
    onMessage: listener => void (toThread = listener),
  }
  return { thread, port, fail: error => onError(error) }
}

const HEAT = 20
const PROGRAM = `
  li a0, 0
  again: addi a0, a0, 1
  xori a1, a0, 3
  add a2, a2, a1
  j again`
const settled = (): Promise<void> => new Promise(resolve => void setTimeout(resolve, 10))
const state = ({ hart }: TestMachine): bigint[] => [hart.pc, hart.retired, hart.x(10), hart.x(11), hart.x(12)]

test('hot code is compiled on the other thread, and does the same', async () => {
  const { thread, port } = pair()
  serveTranslations(port)
  const [remote, own] = [machineWith(PROGRAM, HEAT), machineWith(PROGRAM, HEAT)]
  remote.cpu.engine.compileOn(remoteCompiler(thread))
  for (const machine of [remote, own]) machine.hart.run(1000)
  expect(remote.cpu.engine.stats.regions).toBe(0)
  expect(own.cpu.engine.stats.regions).toBe(1)
  await settled()
  expect(remote.cpu.engine.stats.regions).toBe(1)
  for (const machine of [remote, own]) machine.hart.run(1000)
  expect(state(remote)).toEqual(state(own))
})

test('what was compiled of a page that has been written since is not used', async () => {
  const { thread, port } = pair()
  serveTranslations(port)
  const machine = machineWith(PROGRAM, HEAT)
  machine.cpu.engine.compileOn(remoteCompiler(thread))
  machine.hart.run(1000)
  // addi a0, a0, 2 in place of addi a0, a0, 1.
  const at = Number(machine.symbols.get('again'))
  machine.cpu.memory.write(at, Uint8Array.from([0x13, 0x05, 0x25, 0x00]))
  const before = machine.hart.x(10)
  await settled()
  expect(machine.cpu.engine.stats.regions).toBe(0)
  machine.hart.run(400)
  expect(machine.hart.x(10) - before).toBeGreaterThanOrEqual(198n)
})

test('translations of an earlier run are used at once, and compiled ahead on the other thread', async () => {
  const { thread, port } = pair()
  const warmed: unknown[] = []
  serveTranslations({ ...port, onMessage: listener => port.onMessage(m => (warmed.push(m), listener(m))) })
  const [earlier, remote, own] = [machineWith(PROGRAM, 1), machineWith(PROGRAM, HEAT), machineWith(PROGRAM, HEAT)]
  earlier.hart.run(1000)
  remote.cpu.engine.compileOn(remoteCompiler(thread))
  remote.cpu.engine.restoreTranslations(earlier.cpu.engine.saveTranslations())
  for (const machine of [remote, own]) machine.hart.run(1000)
  expect(remote.cpu.engine.stats.reused).toBeGreaterThan(0)
  expect(remote.cpu.engine.stats.regions).toBe(0)
  expect(state(remote)).toEqual(state(own))
  await settled()
  expect(warmed).toEqual([{ kind: 'warm', module: expect.any(WebAssembly.Module) as unknown }])
})

test('when the thread has died, regions are compiled here', async () => {
  const { thread, fail } = pair()
  const machine = machineWith(PROGRAM, HEAT)
  machine.cpu.engine.compileOn(remoteCompiler(thread))
  machine.hart.run(1000)
  fail(new Error('out of memory'))
  await settled()
  machine.hart.run(1000)
  expect(machine.cpu.engine.stats.regions).toBe(1)
})
