import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockDisk } from './disk-lock.ts'
import { startOf } from './process-start.ts'

let folder: string
let env: Record<string, string>
let disk: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-lock-'))
  env = { XDG_RUNTIME_DIR: folder }
  disk = join(folder, 'disk.img')
  await writeFile(disk, '')
})
afterEach(() => rm(folder, { recursive: true }))

test('one writes, or several read', async () => {
  const writer = await lockDisk(disk, 'write', env)
  await expect(lockDisk(disk, 'write', env)).rejects.toThrow(`process ${process.pid} writes it`)
  await expect(lockDisk(disk, 'read', env)).rejects.toThrow('in use by another machine')
  await writer.release()
  const readers = [await lockDisk(disk, 'read', env), await lockDisk(disk, 'read', env)]
  await expect(lockDisk(disk, 'write', env)).rejects.toThrow('reads it')
  for (const reader of readers) await reader.release()
  await (await lockDisk(disk, 'write', env)).release()
})

test('another name of the same image is the same image', async () => {
  await symlink(disk, join(folder, 'link'))
  await lockDisk(join(folder, 'link'), 'write', env)
  await expect(lockDisk(disk, 'write', env)).rejects.toThrow('in use')
})

test('the claim of a process that is gone is none', async () => {
  const child = spawn('sleep', ['60'])
  await (await lockDisk(disk, 'write', env)).release()
  const [key = ''] = await readdir(join(folder, 'doppel', 'locks'))
  await mkdir(join(folder, 'doppel', 'locks', key), { recursive: true })
  const claim = join(folder, 'doppel', 'locks', key, `${child.pid ?? 0}-abcdef.write`)
  await writeFile(claim, startOf(child.pid ?? 0) ?? 'gone')
  await expect(lockDisk(disk, 'write', env)).rejects.toThrow('in use')
  child.kill('SIGKILL')
  await new Promise(resolve => child.once('exit', resolve))
  await (await lockDisk(disk, 'write', env)).release()
})
