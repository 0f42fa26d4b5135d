import { DoppelError, formatSize } from '@doppel/base'
import { cacheFolder, chooseMirror, ImageCache, mirrorUrl, useHostProxy } from '@doppel/images'
import { imageEntries, KNOWN_IMAGES, removeImage } from '../../run/images.ts'
import type { Command, Flag } from '../command.ts'
import { nearest } from '../parse.ts'
import { progressBar } from '../progress-bar.ts'
import { textTable } from '../table.ts'

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
    const known = knownImage(names[0] ?? '')
    const given = value('mirror')
    const mirror = given === undefined ? chooseMirror(env).url : mirrorUrl(given, '--mirror')
    useHostProxy()
    const bar = progressBar(streams)
    try {
      const cache = new ImageCache(cacheFolder(env))
      const { version } = await known.make({
        cache,
        env,
        mirror,
        refresh: true,
        progress: bar.progress,
        note: bar.note,
      })
      bar.clear()
      streams.stdout(`${known.name} ${version}\n`)
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
    const images = await imageEntries(cache)
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
    const [name = ''] = names
    const freedBytes = await removeImage(new ImageCache(cacheFolder(env)), name)
    streams.stdout(`${name} removed, ${formatSize(freedBytes)} freed\n`)
    return 0
  },
}

function knownImage(name: string): (typeof KNOWN_IMAGES)[number] {
  const known = KNOWN_IMAGES.find(image => image.name === name)
  if (known) return known
  const names = KNOWN_IMAGES.map(image => image.name)
  const near = nearest(name, names)
  const hint = near === undefined ? `expected one of: ${names.join(', ')}` : `did you mean '${near}'?`
  throw new DoppelError('image.unknown', `doppel knows no image '${name}'; ${hint}`, { name })
}
