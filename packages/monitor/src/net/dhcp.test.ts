import { get32, put32 } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DhcpServer } from './dhcp.ts'
import { ipBytes, ipText } from './ip-address.ts'

const [DISCOVER, REQUEST, RELEASE, INFORM] = [1, 3, 7, 8]
const FACTS = {
  server: ipBytes('10.0.2.2'),
  mask: ipBytes('255.255.255.0'),
  nameServer: ipBytes('10.0.2.3'),
  mtuBytes: 1500,
}
const setUp = (size = 2) =>
  new DhcpServer(
    FACTS,
    Array.from({ length: size }, (_, i) => Uint8Array.of(10, 0, 2, 15 + i)),
  )

function message(
  card: number,
  type: number,
  options: readonly (readonly number[])[] = [],
  client = '0.0.0.0',
): Uint8Array {
  const bytes = [...new Uint8Array(236), 99, 130, 83, 99, 53, 1, type, ...options.flat(), 255]
  const query = Uint8Array.from(bytes)
  query.set([1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef])
  query.set(ipBytes(client), 12)
  query.set([2, 0, 0, 0, 0, card], 28)
  return query
}
const requested = (address: string): number[] => [50, 4, ...ipBytes(address)]

/** The answer's kind, address and options by number. */
function read(answer: { readonly message: Uint8Array } | undefined) {
  if (!answer) return undefined
  const options = new Map<number, number[]>()
  for (let at = 240; answer.message[at] !== 255; at += 2 + (answer.message[at + 1] ?? 0)) {
    options.set(answer.message[at] ?? 0, [...answer.message.subarray(at + 2, at + 2 + (answer.message[at + 1] ?? 0))])
  }
  return {
    type: options.get(53)?.[0],
    yours: ipText(answer.message.subarray(16, 20)),
    options,
    id: get32(answer.message, 4),
  }
}

test('a card is offered an address and gets it, with all it needs to know', () => {
  const server = setUp()
  expect(read(server.answer(message(1, DISCOVER)))).toMatchObject({ type: 2, yours: '10.0.2.15', id: 0xdeadbeef })
  const ack = read(server.answer(message(1, REQUEST, [requested('10.0.2.15'), [12, 3, 0x61, 0x62, 0x63]])))
  expect(ack).toMatchObject({ type: 5, yours: '10.0.2.15' })
  expect([1, 3, 6, 54, 26].map(option => ack?.options.get(option))).toEqual([
    [255, 255, 255, 0],
    [10, 0, 2, 2],
    [10, 0, 2, 3],
    [10, 0, 2, 2],
    [1500 >> 8, 1500 & 255],
  ])
  expect(server.nameOf(ipBytes('10.0.2.15'))).toBe('abc')
})

test('cards keep their addresses; a released one is free again', () => {
  const server = setUp()
  const offered = (card: number) => read(server.answer(message(card, DISCOVER)))?.yours
  expect([offered(1), offered(2), offered(1)]).toEqual(['10.0.2.15', '10.0.2.16', '10.0.2.15'])
  server.answer(message(1, RELEASE))
  expect([offered(3), offered(2)]).toEqual(['10.0.2.15', '10.0.2.16'])
  // With none left, the one longest unheard of gives way.
  expect(offered(4)).toBe('10.0.2.15')
})

test('a request for another’s address is refused, one to another server left alone', () => {
  const server = setUp()
  expect(read(server.answer(message(1, REQUEST, [requested('10.0.2.99')])))).toMatchObject({
    type: 6,
    yours: '0.0.0.0',
  })
  expect(server.answer(message(1, REQUEST, [[54, 4, 192, 0, 2, 1], requested('10.0.2.15')]))).toBeUndefined()
})

test('a renewal is answered to the card’s address, as is a question without a lease', () => {
  const server = setUp()
  const renewal = server.answer(message(1, REQUEST, [], '10.0.2.15'))
  expect([read(renewal)?.type, renewal?.to && ipText(renewal.to)]).toEqual([5, '10.0.2.15'])
  const informed = server.answer(message(1, INFORM, [], '10.0.2.77'))
  expect([read(informed)?.yours, informed?.to && ipText(informed.to)]).toEqual(['0.0.0.0', '10.0.2.77'])
})

test('bytes that are no message, or half of one, get no answer and do no harm', () => {
  const server = setUp()
  const valid = message(1, DISCOVER, [requested('10.0.2.15')])
  for (let length = 0; length < valid.length - 1; length++) server.answer(valid.subarray(0, length))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, isFramed) => {
      const query = Uint8Array.from({ length: 240 + bytes.length }, (_, i) => bytes[i - 240] ?? 0)
      query.set([1, 1, 6])
      put32(query, 236, 0x6382_5363)
      server.answer(isFramed ? query : bytes)
    }),
  )
})
