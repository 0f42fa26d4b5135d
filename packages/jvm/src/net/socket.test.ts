import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventFlag, POLL } from './endpoint.ts'
import type { NetworkEvents, NetworkStream } from './network-port.ts'
import { joinSockets, Socket } from './socket.ts'

const HERE = { address: '127.0.0.1', port: 7 }

/** Two sockets of one machine, joined. */
function pair(): readonly [Socket, Socket] {
  const [listener, client] = [new Socket(), new Socket()]
  listener.listen(1)
  expect(joinSockets(client, listener, HERE)).toBe(true)
  expect(listener.ready).toBe(POLL.in)
  return [client, listener.accept() as Socket]
}
/** A stream of the host’s that remembers what it was asked. */
function recorded(): { stream: NetworkStream; asked: string[]; sent: (() => void)[] } {
  const [asked, sent]: [string[], (() => void)[]] = [[], []]
  const note = (what: string) => () => void asked.push(what)
  const stream: NetworkStream = {
    write: (bytes, done) => {
      asked.push(`write ${bytes.length}`)
      sent.push(done)
    },
    end: note('end'),
    destroy: note('destroy'),
    pause: note('pause'),
    resume: note('resume'),
  }
  return { stream, asked, sent }
}
function connected(): { socket: Socket; events: NetworkEvents } & ReturnType<typeof recorded> {
  const socket = new Socket()
  const record = recorded()
  let events: NetworkEvents | undefined
  socket.connect(HERE, heard => {
    events = heard
    return record.stream
  })
  expect(socket.ready).toBe(0)
  ;(events as NetworkEvents).connected()
  return { socket, events: events as NetworkEvents, ...record }
}

test('what one writes the other reads, in order, in whatever pieces, until the end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })), fc.nat(200), (parts, max) => {
      const [a, b] = pair()
      for (const part of parts) expect(a.write(part)).toBe(part.length)
      a.shutdown(false, true)
      const got: number[] = []
      for (let bytes = b.read(max + 1); bytes && bytes.length > 0; bytes = b.read(max + 1)) got.push(...bytes)
      expect(got).toEqual(parts.flatMap(part => [...part]))
      expect(b.ready & POLL.in).toBe(POLL.in)
      expect(b.read(1)?.length).toBe(0)
    }),
  )
})

test('a writer whose reader does not read has no more room, and has some when it reads', () => {
  const [a, b] = pair()
  const piece = new Uint8Array(64 << 10).fill(9)
  let written = 0
  for (let count = a.write(piece); count > 0; count = a.write(piece)) written += count
  expect(written).toBeLessThan(2 << 20)
  expect(a.ready & POLL.out).toBe(0)
  let read = 0
  for (let bytes = b.read(50_000); bytes; bytes = b.read(50_000)) read += bytes.length
  expect(read).toBe(written)
  expect(a.ready & POLL.out).toBe(POLL.out)
})

test('closing with bytes unread is a reset for the other side, closing after all is read an end', () => {
  const [a, b] = pair()
  a.write(Uint8Array.of(1))
  b.close()
  expect(() => a.read(1)).toThrow('Connection reset')
  const [c, d] = pair()
  c.close()
  expect(d.read(1)?.length).toBe(0)
})

test('the host is asked to pause while the program does not read', () => {
  const { socket, events, asked } = connected()
  events.data(new Uint8Array(300 << 10))
  expect(asked).toEqual(['pause'])
  socket.read(300 << 10)
  expect(asked).toEqual(['pause', 'resume'])
})

test('a socket is writable as long as the host takes what it is given', () => {
  const { socket, sent } = connected()
  let total = 0
  while ((socket.ready & POLL.out) !== 0) total += socket.write(new Uint8Array(100_000))
  expect(socket.write(Uint8Array.of(1))).toBe(0)
  sent.shift()?.()
  expect(socket.ready & POLL.out).toBe(POLL.out)
  expect(total).toBe(256 << 10)
})

test('a connection that is refused is ready with its error', () => {
  const socket = new Socket()
  socket.connect(HERE, events => {
    events.closed('refused')
    return recorded().stream
  })
  expect([socket.state, socket.ready & POLL.error]).toEqual(['failed', POLL.error])
  expect(socket.problem().reason).toBe('Connection refused')
})

test('more connections than the program asked for are not taken, and those not accepted end with the listener', () => {
  const listener = new Socket()
  listener.listen(2)
  const records = [recorded(), recorded(), recorded()]
  const taken = records.map(({ stream }) => listener.incoming(stream, HERE) !== undefined)
  expect(taken).toEqual([true, true, false])
  listener.close()
  expect(records.map(({ asked }) => asked[0])).toEqual(['end', 'end', undefined])
})

test('who watches hears of each change, and of the close', () => {
  const flag = new EventFlag()
  const heard: number[] = []
  const leave = flag.watch(() => heard.push(flag.ready))
  flag.set()
  expect(flag.read()?.length).toBe(8)
  expect(flag.read()).toBeUndefined()
  leave()
  flag.set()
  expect(heard).toEqual([POLL.in | POLL.out])
})
