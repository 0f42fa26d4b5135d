import { expect, test } from 'vitest'
import type { Emulator } from './benchmark.ts'
import { runInTurn } from './run-in-turn.ts'
import { isShellReady } from './shell-ready.ts'

/** A benchmark whose runs are given, in order. */
const scripted = (checksums: readonly string[]) => {
  const ran: Emulator[] = []
  return {
    ran,
    name: 'scripted',
    stresses: 'nothing',
    prepare: async () => undefined,
    run: async (emulator: Emulator) => {
      ran.push(emulator)
      const at = ran.length - 1
      const checksum = checksums[at] ?? 'none'
      return emulator === 'doppel' ? { seconds: at, checksum, instructions: 7 } : { seconds: at, checksum }
    },
  }
}

test('doppel and QEMU take turns, and every sample is kept', async () => {
  const benchmark = scripted(['a', 'a', 'a', 'a'])
  const notes: string[] = []
  const samples = await runInTurn(benchmark, 2, text => notes.push(text))
  expect(benchmark.ran).toEqual(['doppel', 'qemu', 'doppel', 'qemu'])
  expect(samples).toMatchObject({ doppel: [0, 2], qemu: [1, 3], instructions: 7 })
  expect(notes).toHaveLength(2)
})

test.each([[['a', 'b']], [['a', 'a', 'b']], [['a', 'a', 'a', 'b']]])('checksums %j end the bench', async checksums => {
  const outcome = runInTurn(scripted(checksums), 2, () => undefined)
  await expect(outcome).rejects.toMatchObject({ code: 'bench.checksum' })
})

test('the shell is ready at its prompt or cursor query, not while the kernel talks', () => {
  expect(isShellReady('[    1.0] Run /init\r\nroot@doppel:~# ')).toBe(true)
  expect(isShellReady('root@doppel:~# \u001b[6n')).toBe(true)
  expect(isShellReady('[    1.0] usb root@doppel:~# is no prompt\r\n')).toBe(false)
  expect(isShellReady('[    1.0] Run /init as init process\r\n')).toBe(false)
})
