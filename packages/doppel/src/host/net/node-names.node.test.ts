import packet from 'dns-packet'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeNames } from './node-names.ts'

const query = (name: string, type: 'A' | 'AAAA' | 'SOA' = 'A'): Uint8Array =>
  packet.encode({ type: 'query', id: 77, flags: packet.RECURSION_DESIRED, questions: [{ name, type }] })
const ask = async (bytes: Uint8Array, isAllowed: (name: string) => boolean = () => true) => {
  const answer = await nodeNames.answer(bytes, 512, isAllowed)
  return answer && { ...answer, decoded: packet.decode(Buffer.from(answer.message)) }
}

test('a name of this computer is answered with its address', async () => {
  const answer = await ask(query('localhost'))
  expect(answer).toMatchObject({ name: 'localhost', addresses: ['127.0.0.1'] })
  expect(answer?.decoded).toMatchObject({
    id: 77,
    type: 'response',
    rcode: 'NOERROR',
    flag_ra: true,
    questions: [{ name: 'localhost', type: 'A' }],
    answers: [{ name: 'localhost', type: 'A', data: '127.0.0.1' }],
  })
})

test('a name that policy forbids is refused without asking', async () => {
  const asked: string[] = []
  const answer = await ask(query('secret.localhost'), name => {
    asked.push(name)
    return false
  })
  expect(answer?.decoded).toMatchObject({ rcode: 'REFUSED', answers: [] })
  expect([asked, answer?.addresses]).toEqual([['secret.localhost'], []])
})

test('a kind of question that is not answered says so', async () => {
  expect((await ask(query('localhost', 'SOA')))?.decoded).toMatchObject({ rcode: 'NOTIMP' })
})

test('an answer is never answered, and bytes that are no message neither', async () => {
  expect(
    await ask(packet.encode({ type: 'response', id: 1, questions: [{ name: 'localhost', type: 'A' }] })),
  ).toBeUndefined()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async bytes => {
      await nodeNames.answer(bytes, 512, () => false)
    }),
  )
})
