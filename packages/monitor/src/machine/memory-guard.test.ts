import { type DoppelError, MIB } from '@doppel/base'
import { expect, test } from 'vitest'
import { VirtualTime } from '../../test/virtual-time.ts'
import { MemoryGuard } from './memory-guard.ts'

/** A host with 100 MiB beside what its guests hold, of which 20 are to be kept. */
class Host {
  readonly time = new VirtualTime()
  readonly guests: { heldBytes: number; ended: DoppelError | undefined }[] = []
  readonly guard = new MemoryGuard({
    timers: this.time,
    reserveBytes: () => 20 * MIB,
    availableBytes: () => 100 * MIB - this.guests.reduce((sum, { heldBytes }) => sum + heldBytes, 0),
  })

  guest(heldMib: number): { heldBytes: number; ended: DoppelError | undefined } {
    const guest: { heldBytes: number; ended: DoppelError | undefined } = { heldBytes: heldMib * MIB, ended: undefined }
    this.guests.push(guest)
    this.guard.guard({ heldBytes: () => guest.heldBytes, end: reason => void (guest.ended = reason) })
    return guest
  }
}

test('the guest that takes the last of the memory ends, with the reason; who holds more but does not grow lives', () => {
  const host = new Host()
  const [large, storm, small] = [host.guest(50), host.guest(1), host.guest(1)]
  host.time.advance(1000)
  for (let step = 0; step < 10 && !storm.ended; step++) {
    storm.heldBytes += 4 * MIB
    small.heldBytes += 0.1 * MIB
    host.time.advance(100)
  }
  expect(storm.ended).toMatchObject({ code: 'machine.host-memory' })
  expect(storm.ended?.message).toContain('holds 29.0 MiB')
  expect([large.ended, small.ended]).toEqual([undefined, undefined])
})

test('while there is enough, guests may grow as they like', () => {
  const host = new Host()
  const guest = host.guest(1)
  for (let step = 0; step < 19; step++) {
    guest.heldBytes += 4 * MIB
    host.time.advance(100)
  }
  expect(guest.ended).toBeUndefined()
})

test('a second one ends only when memory has had time to come back and has not', () => {
  const host = new Host()
  const [first, second] = [host.guest(80), host.guest(1)]
  for (const guest of [first, second]) guest.heldBytes += 2 * MIB
  first.heldBytes += MIB
  host.time.advance(100)
  expect([first.ended, second.ended].map(Boolean)).toEqual([true, false])
  for (let look = 0; look < 30; look++) {
    second.heldBytes += 2 * MIB
    host.time.advance(100)
  }
  expect(second.ended).toBeUndefined()
  second.heldBytes += 2 * MIB
  host.time.advance(100)
  expect(second.ended).toMatchObject({ code: 'machine.host-memory' })
})

test('a guard of nobody looks at nothing', () => {
  const host = new Host()
  const leave = host.guard.guard({ heldBytes: () => 0, end: () => undefined })
  expect(host.time.pending).toBe(1)
  leave()
  expect(host.time.pending).toBe(0)
})
