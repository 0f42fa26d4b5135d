import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { findRootImage, ImageCache } from '@doppel/images'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { made } from './image-import.ts'
import { findOrMakeImage, type ImageWork, type KnownImage } from './images.ts'

let folder: string
let work: ImageWork
let notes: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-images-'))
  notes = []
  const note = (text: string): void => void notes.push(text)
  work = { cache: new ImageCache(folder), env: {}, refresh: false, progress: () => {}, note }
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** An image whose disk holds only which edition it is. */
const known = (edition: number | undefined): KnownImage[] => [
  {
    name: 'sample',
    summary: '',
    ...(edition !== undefined && { edition }),
    make: async of =>
      await made(of, async target => {
        await writeFile(target, `edition ${edition}`)
        return { name: 'sample', version: `${edition}`, config: {}, ...(edition !== undefined && { edition }) }
      }),
  },
]

const failing: KnownImage = {
  name: 'sample',
  summary: '',
  edition: 9,
  make: async () => await Promise.reject(new DoppelError('net.unreachable', 'no way there')),
}

describe('an image that doppel makes by itself', () => {
  test('is made once, and found from then on', async () => {
    const first = await findOrMakeImage('sample', work, known(1))
    expect(await findOrMakeImage('sample', work, [{ ...failing, edition: 1 }])).toEqual(first)
    expect(notes).toEqual([])
  })

  test('is made anew where the one that is here was made otherwise', async () => {
    await findOrMakeImage('sample', work, known(undefined))
    expect((await findOrMakeImage('sample', work, known(2))).version).toBe('2')
    expect((await findRootImage(work.cache, 'sample'))?.edition).toBe(2)
    expect(notes).toEqual(["the image 'sample' is of an earlier doppel, and made anew"])
  })

  test('serves on when it cannot be made anew', async () => {
    const first = await findOrMakeImage('sample', work, known(1))
    expect(await findOrMakeImage('sample', work, [failing])).toEqual(first)
    expect(notes.at(-1)).toMatch(/stays as it is: no way there/)
  })

  test('that is not here and cannot be made is an error', async () => {
    await expect(findOrMakeImage('sample', work, [failing])).rejects.toThrow(
      expect.objectContaining({ code: 'net.unreachable' }),
    )
    await expect(findOrMakeImage('other', work, [failing])).rejects.toThrow(
      expect.objectContaining({ code: 'machine.image' }),
    )
  })
})
