import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'

test.skipIf(availableParallelism() < 2)('the thread that translates does not keep its process from ending', () => {
  const program = `
    import { translatorThread } from ${JSON.stringify(new URL('./threads.ts', import.meta.url).href)}
    const awake = setInterval(() => undefined, 1000)
    const compiled = await translatorThread().compile([])
    clearInterval(awake)
    process.stdout.write(compiled === undefined ? 'nothing' : 'answered')`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=source', '--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 60_000 },
  )
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'answered' })
})
