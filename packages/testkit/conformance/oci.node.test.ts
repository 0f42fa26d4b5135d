import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createQcow2,
  ImageCache,
  importInto,
  openOciImage,
  openQcow2,
  readReference,
  registrySource,
  unpackOciImage,
} from '@doppel/images'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const IDENTITY = { uuid: new Uint8Array(16).fill(3), label: 'oci', madeAt: 1_700_000_000 }
const SIZE_BYTES = 64 << 20

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-oci-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const sh = (script: string): string =>
  execFileSync('sh', ['-ec', script], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** A layout of two layers, made by umoci: the second removes files and a folder of the first, and changes a mode. */
function makeLayout(architecture: string): void {
  sh(`umoci init --layout layout && umoci new --image layout:t
    umoci config --image layout:t --os linux --architecture ${architecture} \
      --config.env A=1 --config.cmd sh --config.workingdir /srv
    umoci unpack --image layout:t b && cd b/rootfs
    mkdir -p gone/deep kept/deep full; echo 1 >gone/deep/x; echo 2 >kept/a; ln kept/a kept/again; ln -s a kept/link
    echo 3 >kept/deep/old; chmod 4755 kept/deep/old; seq 100000 >full/numbers
    cd ../.. && umoci repack --image layout:t b && rm -rf b
    umoci unpack --image layout:t b && cd b/rootfs
    rm -r gone kept/deep/old; echo 4 >kept/deep/new; chmod 700 full
    cd ../.. && umoci repack --image layout:t b && rm -rf b`)
}

/** What umoci says the image is, against what is on the disk. */
function expectSameTree(disk: string): void {
  sh(`umoci unpack --image layout:t judge
    qemu-img convert -O raw ${disk} raw && e2fsck -fn raw >checked 2>&1
    mkdir back && debugfs -R 'rdump / back' raw 2>/dev/null && rmdir back/lost+found
    diff -r --no-dereference judge/rootfs back
    (cd judge/rootfs && find . -printf '%P %m %y\\n' | sort) >a
    (cd back && find . -printf '%P %m %y\\n' | sort) >b
    diff a b`)
}

const config = { env: { A: '1' }, entrypoint: [], command: ['sh'], folder: '/srv' }

test.each(['layout', 'layout.tar', 'layout.tar.zst'])('%s becomes the file system that umoci unpacks', async what => {
  makeLayout('riscv64')
  sh('tar -C layout -cf layout.tar . && zstd -q layout.tar')
  const disk = join(folder, 'disk.qcow2')
  const options = { identity: IDENTITY, sizeBytes: SIZE_BYTES, workFolder: folder }
  expect(await importInto(disk, join(folder, what), options)).toMatchObject({ kind: 'oci', config })
  expectSameTree(disk)
})

test("an image is pulled from Debian's registry, where skopeo has put it", async () => {
  makeLayout('riscv64')
  const port = await freePort()
  await writeFile(
    join(folder, 'registry.yml'),
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: '127.0.0.1:${port}'}\n`,
  )
  const registry = spawn('docker-registry', ['serve', join(folder, 'registry.yml')], { stdio: 'ignore' })
  try {
    await answering(`http://127.0.0.1:${port}/v2/`)
    sh(`skopeo --insecure-policy copy --dest-tls-verify=false oci:layout:t docker://127.0.0.1:${port}/team/app:1.0`)
    const cache = new ImageCache(join(folder, 'cache'))
    const reference = readReference(`127.0.0.1:${port}/team/app:1.0`)
    if (!reference) throw new Error('no reference')
    const image = await openOciImage(registrySource(reference, cache))
    expect(image.config).toMatchObject(config)
    const disk = join(folder, 'disk.qcow2')
    await createQcow2(disk, SIZE_BYTES)
    const store = await openQcow2(disk)
    await unpackOciImage(image, store, IDENTITY)
    await store.close()
    expectSameTree(disk)
    const missing = registrySource({ ...reference, version: 'none' }, cache)
    await expect(openOciImage(missing)).rejects.toThrow(expect.objectContaining({ code: 'net.status' }))
  } finally {
    registry.kill()
    await once(registry, 'exit')
  }
})

/** What crypt(3) makes of `open sesame` (bcrypt, cost 5). */
const HTPASSWD = 'ali:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n'

test('a registry that wants a login gets the one that was left with doppel login', async () => {
  makeLayout('riscv64')
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  await writeFile(join(folder, 'htpasswd'), HTPASSWD)
  await writeFile(
    join(folder, 'registry.yml'),
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: '${host}'}\n` +
      `auth: {htpasswd: {realm: cave, path: ${folder}/htpasswd}}\n`,
  )
  const registry = spawn('docker-registry', ['serve', join(folder, 'registry.yml')], { stdio: 'ignore' })
  const env = { XDG_CONFIG_HOME: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') }
  const run = async (args: readonly string[], input = '') => {
    const { status, stderr } = await doppel(args, { env, input })
    return { status, said: stderr.toString() }
  }
  try {
    await answering(`http://${host}/v2/`)
    sh(`skopeo --insecure-policy copy --dest-tls-verify=false --dest-creds 'ali:open sesame' \
      oci:layout:t docker://${host}/team/app:1.0`)
    const pull = ['image', 'pull', `${host}/team/app:1.0`]
    const login = ['login', '-u', 'ali', '--password-stdin', host]
    expect(await run(pull)).toMatchObject({ status: 1, said: expect.stringContaining(`doppel login ${host}`) })
    expect((await run(login, 'open barley')).said).toMatch(/\[oci\.login\]\n$/)
    expect(await run(pull)).toMatchObject({ status: 1 })
    expect(await run(login, 'open sesame\n')).toEqual({ status: 0, said: '' })
    expect((await stat(join(folder, 'config/doppel/registries.json'))).mode & 0o777).toBe(0o600)
    expect(await run(pull)).toMatchObject({ status: 0 })
    expect(await run(['logout', host])).toMatchObject({ status: 0 })
    expect(await run(pull)).toMatchObject({ status: 1 })
  } finally {
    registry.kill()
    await once(registry, 'exit')
  }
}, 60_000)

test('an image for another architecture is refused, and says which', async () => {
  makeLayout('amd64')
  const options = { identity: IDENTITY, sizeBytes: SIZE_BYTES, workFolder: folder }
  await expect(importInto(join(folder, 'd.qcow2'), join(folder, 'layout'), options)).rejects.toThrow(
    expect.objectContaining({ code: 'oci.architecture', message: expect.stringContaining('linux/amd64') }),
  )
})

test('a layer that is not what its digest says is refused', async () => {
  makeLayout('riscv64')
  const blobs = join(folder, 'layout/blobs/sha256')
  const sizes = sh(`cd ${blobs} && ls -S`).split('\n')
  sh(`printf x | dd of=${blobs}/${sizes[0]} bs=1 seek=500 conv=notrunc 2>/dev/null`)
  const options = { identity: IDENTITY, sizeBytes: SIZE_BYTES, workFolder: folder }
  await expect(importInto(join(folder, 'd.qcow2'), join(folder, 'layout'), options)).rejects.toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^(oci\.digest|image\.damaged)$/) }),
  )
  expect(await readdir(blobs)).not.toHaveLength(0)
})

test.each(['qcow2', 'raw'])('a %s disk with a file system on it is copied as it is', async format => {
  sh(`truncate -s 40M plain && mkfs.ext4 -q -L mine plain && qemu-img convert -O ${format} plain given`)
  const disk = join(folder, 'disk.qcow2')
  const options = { identity: IDENTITY, sizeBytes: SIZE_BYTES, workFolder: folder }
  expect(await importInto(disk, join(folder, 'given'), options)).toEqual({ kind: 'disk', config: {} })
  expect(sh('qemu-img compare given disk.qcow2')).toMatch(/identical/)
})

test('anything else is refused', async () => {
  await writeFile(join(folder, 'text'), 'hello')
  const options = { identity: IDENTITY, sizeBytes: SIZE_BYTES, workFolder: folder }
  for (const path of ['text', 'missing', '.']) {
    await expect(importInto(join(folder, 'd.qcow2'), join(folder, path), options)).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(image\.import|oci\.layout)$/) }),
    )
  }
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isThere = await fetch(url).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await sleep(100)
  }
  throw new Error(`${url} does not answer`)
}
