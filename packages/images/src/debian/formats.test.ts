import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { packTar } from 'modern-tar'
import { describe, expect, test } from 'vitest'
import { arOf } from '../../test/local-archive.ts'
import { arMembers, type ReadAt } from './ar.ts'
import { filesOfTar } from '../tar.ts'
import { parseStanza, parseStanzas, stanzaTexts } from './deb822.ts'
import { findPackages } from './packages.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const over =
  (bytes: Uint8Array): ReadAt =>
  (offset, length) =>
    Promise.resolve(bytes.subarray(offset, offset + length))
async function* stream(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
const coded = (error: unknown): void => expect(error).toBeInstanceOf(DoppelError)

describe('control data', () => {
  test('fields are found by name in any case, folded lines are joined', () => {
    const stanza = parseStanza('Package: doppel\nDescription: short\n long one\n .\n end\n')
    expect(stanza.get('package')).toBe('doppel')
    expect(stanza.get('description')).toBe('short\nlong one\n.\nend')
  })

  test('paragraphs are parted by blank lines, comments skipped', () => {
    expect(parseStanzas('A: 1\n\n \n# note\nB: 2\n\n\n').map(stanza => [...stanza])).toEqual([
      [['a', '1']],
      [['b', '2']],
    ])
  })

  test.each(['no colon', ' leading continuation', 'A: 1\nA: 2'])('%o is refused', text => {
    expect(() => parseStanza(text)).toThrow(expect.objectContaining({ code: 'debian.syntax' }))
  })

  test('a stream is cut the same wherever its chunks end', async () => {
    const text = 'Package: ä\nX: 1\n\nPackage: b\n\n\nPackage: c\n'
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 45 }), { maxLength: 5 }), async cuts => {
        const bytes = utf8(text)
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        const found: string[] = []
        for await (const stanza of stanzaTexts(stream(...chunks))) found.push(stanza.trim())
        expect(found).toEqual(['Package: ä\nX: 1', 'Package: b', 'Package: c'])
      }),
      { numRuns: 50 },
    )
  })

  test('an index entry whose path leaves the archive is refused', async () => {
    const entry = `Package: evil\nFilename: pool/../../etc/passwd\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`
    await expect(findPackages(stream(utf8(entry)), () => true)).rejects.toThrow(
      expect.objectContaining({ code: 'debian.syntax' }),
    )
  })

  test('no text crashes the reader', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '#', '\t') }), text => {
        try {
          parseStanzas(text)
        } catch (error) {
          coded(error)
        }
      }),
    )
  })
})

describe('ar', () => {
  test('members are listed with their places, odd lengths padded', async () => {
    const bytes = arOf([
      ['one', utf8('123')],
      ['two/', utf8('45')],
    ])
    const members = await arMembers(over(bytes), bytes.length, 'test')
    expect(
      members.map(({ name, offset, sizeBytes }) => [name, Uint8Array.from(bytes.subarray(offset, offset + sizeBytes))]),
    ).toEqual([
      ['one', utf8('123')],
      ['two', utf8('45')],
    ])
  })

  test('cut or altered anywhere it lists members inside the file or fails with a code', async () => {
    const sound = arOf([
      ['debian-binary', utf8('2.0\n')],
      ['data.tar', new Uint8Array(99)],
    ])
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length), fc.nat(sound.length - 1), fc.nat(255), async (cut, at, value) => {
        const bytes = sound.slice(0, cut)
        bytes[at] = value
        try {
          const members = await arMembers(over(bytes), bytes.length, 'test')
          for (const member of members) expect(member.offset + member.sizeBytes).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          coded(error)
        }
      }),
    )
  })
})

describe('tar', () => {
  test('cut or altered anywhere it yields files or fails with a code', async () => {
    const sound = await packTar([
      { header: { name: './a', size: 700, type: 'file' }, body: new Uint8Array(700) },
      { header: { name: './b', size: 0, type: 'directory' } },
      { header: { name: './c', size: 3, type: 'file' }, body: utf8('end') },
    ])
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length), fc.nat(1023), fc.nat(255), async (cut, at, value) => {
        const bytes = sound.slice(0, cut)
        bytes[at] = value
        await filesOfTar(stream(bytes), () => true, 'test').catch(coded)
      }),
      { numRuns: 60 },
    )
  })
})
