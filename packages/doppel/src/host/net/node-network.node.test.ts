import { createServer, connect as netConnect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { HostStream, StreamEvents } from '@doppel/monitor'
import { expect, test } from 'vitest'
import { nodeNetwork } from './node-network.ts'

/** Notes what a stream tells. */
function listener() {
  const events: string[] = []
  const { promise: isClosed, resolve } = Promise.withResolvers<void>()
  const stream: StreamEvents = {
    connected: () => events.push('connected'),
    data: bytes => events.push(Buffer.from(bytes).toString()),
    ended: () => events.push('ended'),
    closed: failed => {
      events.push(`closed ${failed ?? 'well'}`)
      resolve()
    },
  }
  return { events, stream, isClosed }
}

test('a connection carries bytes both ways, and each side ends on its own', async () => {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('data', bytes => socket.write(`got ${bytes.toString()}`))
    socket.on('end', () => socket.end('bye'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const heard = listener()
  const stream = nodeNetwork.connect('127.0.0.1', (server.address() as AddressInfo).port, heard.stream)
  const { promise: sent, resolve } = Promise.withResolvers<void>()
  stream.write(Buffer.from('hello'), resolve)
  await sent
  stream.end()
  await heard.isClosed
  expect(heard.events[0]).toBe('connected')
  expect(heard.events.slice(1, -2).join('')).toBe('got hellobye')
  expect(heard.events.slice(-2)).toEqual(['ended', 'closed well'])
  server.close()
})

test('a port where nobody listens says so', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const heard = listener()
  nodeNetwork.connect('127.0.0.1', port, heard.stream)
  await heard.isClosed
  expect(heard.events).toEqual(['closed refused'])
})

test('a listener hands over connections, and nothing of theirs is lost before someone hears', async () => {
  const heard = listener()
  let stream: HostStream | undefined
  const { promise: accepted, resolve } = Promise.withResolvers<void>()
  const listening = await nodeNetwork.listen('127.0.0.1', 0, (accepted_, listen) => {
    stream = accepted_
    setTimeout(() => {
      listen(heard.stream)
      resolve()
    }, 20)
  })
  const client = netConnect(listening.port, '127.0.0.1')
  client.end('early')
  await accepted
  await new Promise(done => client.resume().once('end', done) && stream?.end())
  await heard.isClosed
  expect(heard.events).toEqual(['early', 'ended', 'closed well'])
  listening.close()
})

test('a port that is taken is refused', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await expect(nodeNetwork.listen('127.0.0.1', port, () => undefined)).rejects.toMatchObject({ code: 'net.listen' })
  server.close()
})

test('datagrams go and come', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { createSocket } = await import('node:dgram')
  const echo = createSocket('udp4')
  echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address))
  await new Promise<void>(done => void echo.bind(0, '127.0.0.1', done))
  const { port } = echo.address()
  const socket = nodeNetwork.datagrams(4, (from, fromPort, bytes) =>
    resolve(`${from} ${fromPort === port} ${bytes.join()}`),
  )
  socket.send('127.0.0.1', port, Uint8Array.of(1, 2))
  expect(await promise).toBe('127.0.0.1 true 1,2')
  socket.close()
  echo.close()
})
