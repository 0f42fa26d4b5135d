import { DoppelError, formatSize } from '@doppel/base'
import {
  cacheFolder,
  chooseMirror,
  ImageCache,
  linuxImage,
  linuxImageObjects,
  linuxImageVersion,
  mirrorUrl,
  removeLinuxImage,
  useHostProxy,
} from '@doppel/images'
import type { Command, Flag } from '../command.ts'
import { nearest } from '../parse.ts'
import { progressBar } from '../progress-bar.ts'
import { textTable } from '../table.ts'

/** The images doppel knows by name. */
export const IMAGE_NAMES: readonly string[] = ['linux']

const json: Flag = { name: 'json', summary: 'print JSON' }

/** `doppel image pull`. */
export const imagePullCommand: Command = {
  name: 'image pull',
  summary: "fetch an image, or its newer version, from Debian's archive",
  usage: '[--mirror URL] NAME',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    {
      name: 'mirror',
      value: 'URL',
      summary: "Debian archive to ask (default: apt's on this computer, else DOPPEL_DEBIAN_MIRROR, else Debian's own)",
    },
  ],
  examples: [['doppel image pull linux', "fetch or renew Debian's RISC-V kernel and a small root file system"]],
  async run({ arguments: names, env, streams, value }) {
    const name = knownImage(names[0] ?? '')
    const given = value('mirror')
    const mirror = given === undefined ? chooseMirror(env).url : mirrorUrl(given, '--mirror')
    useHostProxy()
    const bar = progressBar(streams)
    const note = (text: string): void => {
      bar.clear()
      streams.stderr(`doppel: ${text}\n`)
    }
    try {
      const cache = new ImageCache(cacheFolder(env))
      const { version } = await linuxImage({ cache, mirror, refresh: true, progress: bar.progress, note })
      bar.clear()
      streams.stdout(`${name} ${version}\n`)
    } finally {
      bar.clear()
    }
    return 0
  },
}

/** `doppel image ls`. */
export const imageListCommand: Command = {
  name: 'image ls',
  summary: 'list the images that are here',
  usage: '[--json]',
  minArguments: 0,
  maxArguments: 0,
  flags: [json],
  examples: [['doppel image ls --json', 'list them for a program']],
  async run({ env, streams, has }) {
    const cache = new ImageCache(cacheFolder(env))
    const version = await linuxImageVersion(cache)
    const objects = await linuxImageObjects(cache)
    const sizeBytes = objects.reduce((sum, object) => sum + object.sizeBytes, 0)
    const images = version === undefined ? [] : [{ name: 'linux', version, architecture: 'riscv64', sizeBytes }]
    if (has('json')) streams.stdout(`${JSON.stringify(images, undefined, 2)}\n`)
    else {
      const rows = images.map(image => [image.name, image.version, image.architecture, formatSize(image.sizeBytes)])
      streams.stdout(textTable([['NAME', 'VERSION', 'ARCHITECTURE', 'SIZE'], ...rows]))
    }
    return 0
  },
}

/** `doppel image rm`. */
export const imageRemoveCommand: Command = {
  name: 'image rm',
  summary: 'remove an image, and everything fetched that no image uses',
  usage: 'NAME',
  minArguments: 1,
  maxArguments: 1,
  flags: [],
  examples: [['doppel image rm linux', 'remove the linux image from the cache']],
  async run({ arguments: names, env, streams }) {
    const name = knownImage(names[0] ?? '')
    const cache = new ImageCache(cacheFolder(env))
    if ((await linuxImageVersion(cache)) === undefined) {
      throw new DoppelError('image.absent', `there is no image '${name}' in ${cache.root}`, { name })
    }
    await removeLinuxImage(cache)
    streams.stdout(`${name} removed, ${formatSize(await cache.collect(new Set()))} freed\n`)
    return 0
  },
}

function knownImage(name: string): string {
  if (IMAGE_NAMES.includes(name)) return name
  const near = nearest(name, IMAGE_NAMES)
  const hint = near === undefined ? `expected one of: ${IMAGE_NAMES.join(', ')}` : `did you mean '${near}'?`
  throw new DoppelError('image.unknown', `doppel knows no image '${name}'; ${hint}`, { name })
}
