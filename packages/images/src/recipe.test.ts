import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRecipe } from './recipe.ts'
import type { ImageConfig } from './root-image.ts'

const BASE: ImageConfig = { env: { PATH: '/bin' }, entrypoint: ['/old'], command: ['x'] }
const read = (text: string) => readRecipe(text, 'Recipe', () => Promise.resolve(BASE))

test('steps have the environment, folder and user of their place', async () => {
  const { from, steps, config } = await read(`# a comment
FROM debian
RUN one && \\
    # in between
    two
ENV A=1 B="two words" C='$A' PATH=/opt:$PATH
ENV old style of $A
WORKDIR /srv
WORKDIR app
COPY a b\${A} dir/
USER nobody
RUN ["three", "with space"]
`)
  expect(from).toBe('debian')
  const env = { PATH: '/opt:/bin', A: '1', B: 'two words', C: '$A', old: 'style of 1' }
  expect(steps).toMatchObject([
    { kind: 'run', command: 'one &&     two', env: { PATH: '/bin' }, folder: '/', user: undefined },
    { kind: 'copy', sources: ['a', 'b1'], target: '/srv/app/dir/', env, folder: '/srv/app' },
    { kind: 'run', command: ['three', 'with space'], env, user: 'nobody' },
  ])
  expect(config).toEqual({ env, folder: '/srv/app', user: 'nobody', entrypoint: ['/old'], command: ['x'] })
})

test('a new entry point forgets the base’s command; shell forms get a shell', async () => {
  expect((await read('FROM x\nENTRYPOINT ["/new"]')).config).toMatchObject({ entrypoint: ['/new'], command: [] })
  const { config } = await read('FROM x\nENTRYPOINT ["/new"]\nCMD echo hi')
  expect(config).toMatchObject({ entrypoint: ['/new'], command: ['/bin/sh', '-c', 'echo hi'] })
})

test.each([
  ['RUN x', 1, 'begins with FROM'],
  ['', 1, 'begins with FROM'],
  ['FROM a b c', 1, 'begins with FROM'],
  ['FROM a\n\nRUN', 3, 'says nothing'],
  ['FROM a\nADD x y', 2, 'ADD is not supported'],
  ['FROM a\nFROM b', 2, 'one FROM'],
  ['FROM a\nCOPY only', 2, 'expected COPY'],
  ['FROM a\nCOPY ../x y', 2, 'outside'],
  ['FROM a\nCOPY a b c', 2, 'is a folder'],
  ['FROM a\nCOPY --from=x a b', 2, 'flags of COPY'],
  ['FROM a\nENV =1', 2, 'expected ENV'],
])('case %#: what is wrong is said with its line', async (text, line, reason) => {
  await expect(read(text)).rejects.toThrow(
    expect.objectContaining({ code: 'image.recipe', message: expect.stringMatching(`Recipe:${line}: .*${reason}`) }),
  )
})

test('no text crashes the reader', async () => {
  const word = fc.constantFrom('FROM', 'RUN', 'ENV', 'COPY', 'a', '=', '"', "'", '$', '{', '[', '\\', '\n', ' ')
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 20 }), async words => {
      await read(`FROM a\n${words.join('')}`).catch((error: unknown) => expect(error).toBeInstanceOf(DoppelError))
    }),
  )
})
