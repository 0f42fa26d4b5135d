import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { imageName } from '../root-image.ts'
import { INDEX_TYPES, MANIFEST_TYPES, readConfig, readManifestOrIndex } from './documents.ts'
import { readReference } from './registry.ts'

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
const entry = (digit: string, architecture?: string): object => ({
  mediaType: MANIFEST_TYPES[0],
  digest: digest(digit),
  size: 10,
  ...(architecture !== undefined && { platform: { os: 'linux', architecture } }),
})
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digest('b'), size: 5 }

describe('an index', () => {
  test('leads to the manifest for this platform', () => {
    const found = readManifestOrIndex(json({ manifests: [entry('1', 'amd64'), entry('2', 'riscv64')] }), 'x')
    expect(found).toMatchObject({ next: { sha256: '2'.repeat(64), sizeBytes: 10 } })
  })

  test('of one entry without a platform leads to that', () => {
    expect(readManifestOrIndex(json({ manifests: [entry('3')] }), 'x')).toMatchObject({
      next: { sha256: '3'.repeat(64) },
    })
  })

  test('for other computers only says which', () => {
    const bytes = json({ manifests: [entry('1', 'amd64'), entry('2', 'arm64')] })
    expect(() => readManifestOrIndex(bytes, 'x')).toThrow(/linux\/amd64, linux\/arm64; expected linux\/riscv64/)
  })
})

test('a layer of a kind that cannot be unpacked is refused', () => {
  const manifest = { config: entry('1'), layers: [{ ...layer, mediaType: 'application/x-squashfs' }] }
  expect(() => readManifestOrIndex(json(manifest), 'x')).toThrow(expect.objectContaining({ code: 'oci.format' }))
})

test('a configuration is read as far as it concerns a run', () => {
  const config = {
    Env: ['A=1=2', 'bad name=x', 'B='],
    Cmd: ['sh'],
    Entrypoint: null,
    WorkingDir: 'relative',
    User: 'me',
  }
  expect(readConfig(json({ architecture: 'riscv64', os: 'linux', config }), 'x')).toEqual({
    env: { A: '1=2', B: '' },
    entrypoint: [],
    command: ['sh'],
    user: 'me',
  })
})

test('documents altered anywhere are read or refused with a code', () => {
  const documents = [
    json({ schemaVersion: 2, mediaType: INDEX_TYPES[0], manifests: [entry('1', 'riscv64')] }),
    json({ config: entry('1'), layers: [layer] }),
    json({ architecture: 'riscv64', os: 'linux', config: { Env: ['A=1'], Cmd: ['sh'] } }),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...documents), fc.nat(), fc.string({ maxLength: 3 }), (bytes, at, text) => {
      const altered = bytes.slice()
      altered.set(new TextEncoder().encode(text).subarray(0, 3), at % (bytes.length - 3))
      for (const read of [readManifestOrIndex, readConfig]) {
        try {
          read(altered, 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(DoppelError)
        }
      }
    }),
  )
})

test.each([
  ['localhost:5000/app', { host: 'localhost:5000', repository: 'app', version: 'latest' }],
  ['ghcr.io/team/app:1.2', { host: 'ghcr.io', repository: 'team/app', version: '1.2' }],
  [`[::1]:80/a/b@${digest('f')}`, { host: '[::1]:80', repository: 'a/b', version: digest('f') }],
  ['debian', undefined],
  ['team/app:1.2', undefined],
  ['host.example/UPPER', undefined],
  ['host.example/../x', undefined],
])('the reference %s', (text, reference) => {
  expect(readReference(text)).toEqual(reference)
})

test.each(['', '-x', 'a b', '../x', 'Upper', 'x/', 'a'.repeat(300)])('%o cannot be the name of an image', name => {
  expect(() => imageName(name)).toThrow(expect.objectContaining({ code: 'image.name' }))
})
