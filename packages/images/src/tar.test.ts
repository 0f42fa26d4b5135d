import { packTar } from 'modern-tar'
import { expect, test } from 'vitest'
import { filesOfTar } from './tar.ts'

test.each([2, 3, 5, 7])('of many members, in many chunks, every %i. may be read and the rest left', async every => {
  const members = Array.from({ length: 200 }, (_, i) => ({
    header: { name: `f${i}`, size: i * 37, type: 'file' as const },
    body: new Uint8Array(i * 37).fill(i),
  }))
  const tar = await packTar(members)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < tar.length; at += 50_000) yield tar.subarray(at, at + 50_000)
  }
  const files = await filesOfTar(chunks(), path => Number(path.slice(1)) % every === 0, 'test')
  expect([...files.values()].map(file => file.bytes)).toEqual(
    members.filter((_, i) => i % every === 0).map(member => member.body),
  )
})
