import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DoppelError, formatSize } from '@doppel/base'
import {
  cacheFolder,
  chooseMirror,
  ImageCache,
  imageName,
  mirrorUrl,
  readReference,
  useHostProxy,
} from '@doppel/images'
import { buildImage } from '../../run/image-build.ts'
import { importImage, pullImage } from '../../run/image-import.ts'
import { imageEntries, KNOWN_IMAGES, removeImage } from '../../run/images.ts'
import type { Command, Flag, Invocation } from '../command.ts'
import { printJson } from '../machines.ts'
import { nearest } from '../parse.ts'
import { readMemory } from '../run-options.ts'
import { forgetStarts } from '../../sdk/start-snapshot.ts'
import { progressBar } from '../progress-bar.ts'
import { textTable } from '../table.ts'

const json: Flag = { name: 'json', summary: 'print JSON' }

/** `doppel image pull`. */
const imagePullCommand: Command = {
  name: 'image pull',
  summary: "fetch an image, or its newer version, from Debian's archive or a registry",
  usage: '[--mirror URL] NAME|HOST/REPOSITORY[:TAG]',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    {
      name: 'mirror',
      value: 'URL',
      summary: "Debian archive to ask (default: apt's on this computer, else DOPPEL_DEBIAN_MIRROR, else Debian's own)",
    },
    json,
  ],
  examples: [
    ['doppel image pull linux', "fetch or renew Debian's RISC-V kernel and a small root file system"],
    ['doppel image pull localhost:5000/team/web:1.2', 'an image for linux/riscv64 from an OCI registry'],
  ],
  async run(invocation) {
    const { arguments: names, env, streams, value } = invocation
    const [name = ''] = names
    const reference = readReference(name)
    if (!reference) knownImage(name)
    const given = value('mirror')
    const mirror = given === undefined ? chooseMirror(env).url : mirrorUrl(given, '--mirror')
    useHostProxy()
    const bar = progressBar(streams)
    try {
      const cache = new ImageCache(cacheFolder(env))
      const work = { cache, env, mirror, refresh: true, progress: bar.progress, note: bar.note }
      const { version } = reference ? await pullImage(reference, name, work) : await knownImage(name).make(work)
      bar.clear()
      printImage(invocation, name, version)
    } finally {
      bar.clear()
    }
    return 0
  },
}

/** `doppel image import`. */
const imageImportCommand: Command = {
  name: 'image import',
  summary: 'make an image of a root file system, an OCI layout or a disk',
  usage: 'FILE|FOLDER NAME',
  minArguments: 2,
  maxArguments: 2,
  flags: [json],
  examples: [
    ['doppel image import rootfs.tar.xz mine', 'a tar of a root file system, or of an OCI layout'],
    ['doppel image import layout/ mine', 'an OCI layout in a folder'],
    ['doppel image import disk.qcow2 mine', 'a raw or qcow2 disk with a Linux root on it'],
  ],
  async run(invocation) {
    const {
      arguments: [path = '', name = ''],
      env,
      streams,
    } = invocation
    refuseOwn(name)
    const bar = progressBar(streams)
    const work = { cache: new ImageCache(cacheFolder(env)), env, refresh: false, progress: bar.progress }
    try {
      const { version } = await importImage(resolve(path), name, work)
      bar.clear()
      printImage(invocation, name, version)
    } finally {
      bar.clear()
    }
    return 0
  },
}

/** What a recipe is looked for under. */
const RECIPE_NAMES = ['Doppelfile', 'Containerfile', 'Dockerfile'] as const

/** `doppel image build`. */
const imageBuildCommand: Command = {
  name: 'image build',
  summary: 'build an image from a recipe: FROM, RUN, COPY, ENV, WORKDIR, USER, CMD, ENTRYPOINT',
  usage: '-t NAME [-f FILE] [-m SIZE] [--no-cache] FOLDER',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'tag', short: 't', value: 'NAME', summary: "the image's name" },
    { name: 'file', short: 'f', value: 'FILE', summary: `the recipe (default: ${RECIPE_NAMES.join(', ')} in FOLDER)` },
    { name: 'memory', short: 'm', value: 'SIZE', summary: 'RAM of the machine it is built in (default 512M)' },
    json,
    { name: 'no-cache', summary: 'run every step, whatever earlier builds have left' },
  ],
  examples: [['doppel image build -t web .', 'an image of the recipe in this folder, which COPY takes from']],
  async run(invocation) {
    const {
      arguments: [given = ''],
      env,
      streams,
      value,
      has,
    } = invocation
    const folder = resolve(given)
    const name = imageName(value('tag') ?? '')
    refuseOwn(name)
    const file = value('file')
    const names = file === undefined ? RECIPE_NAMES.map(each => join(folder, each)) : [resolve(file)]
    const where = names.find(each => existsSync(each))
    if (where === undefined) {
      throw new DoppelError('image.recipe', `there is no recipe; expected ${names.join(' or ')}`, { folder })
    }
    const memory = value('memory')
    const bar = progressBar(streams)
    const work = {
      cache: new ImageCache(cacheFolder(env)),
      env,
      refresh: false,
      progress: bar.progress,
      note: bar.note,
    }
    const show = (text: string): void => {
      bar.clear()
      // What the steps print is no part of a JSON answer.
      if (has('json')) streams.stderr(text)
      else streams.stdout(text)
    }
    try {
      const recipe = await readFile(where, 'utf8')
      const memoryBytes = memory === undefined ? {} : { memoryBytes: readMemory(memory) }
      const { version } = await buildImage(
        { name, recipe, where, folder, show, isFresh: has('no-cache'), ...memoryBytes },
        work,
      )
      bar.clear()
      printImage(invocation, name, version)
    } finally {
      bar.clear()
    }
    return 0
  },
}

/** `doppel image ls`. */
const imageListCommand: Command = {
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
const imageRemoveCommand: Command = {
  name: 'image rm',
  summary: 'remove an image, and everything fetched that no image uses',
  usage: 'NAME',
  minArguments: 1,
  maxArguments: 1,
  flags: [json],
  examples: [['doppel image rm linux', 'remove the linux image from the cache']],
  async run(invocation) {
    const { arguments: names, env, streams } = invocation
    const [name = ''] = names
    const freedBytes = await removeImage(new ImageCache(cacheFolder(env)), name)
    await forgetStarts(env)
    if (invocation.has('json')) printJson(invocation, { name, freedBytes })
    else streams.stdout(`${name} removed, ${formatSize(freedBytes)} freed\n`)
    return 0
  },
}

/** `doppel image …`, in the order of the help. */
export const IMAGE_COMMANDS: readonly Command[] = [
  imagePullCommand,
  imageImportCommand,
  imageBuildCommand,
  imageListCommand,
  imageRemoveCommand,
]

function printImage(invocation: Invocation, name: string, version: string): void {
  if (invocation.has('json')) printJson(invocation, { name, version })
  else invocation.streams.stdout(`${name} ${version}\n`)
}

/** Throws `image.name` for a name that stands for an image doppel makes itself. */
function refuseOwn(name: string): void {
  if (!KNOWN_IMAGES.some(image => image.name === name)) return
  throw new DoppelError('image.name', `'${name}' is an image that doppel makes itself; expected another name`, { name })
}

function knownImage(name: string): (typeof KNOWN_IMAGES)[number] {
  const known = KNOWN_IMAGES.find(image => image.name === name)
  if (known) return known
  const names = KNOWN_IMAGES.map(image => image.name)
  const near = nearest(name, names)
  const hint = near === undefined ? `expected one of: ${names.join(', ')}` : `did you mean '${near}'?`
  throw new DoppelError('image.unknown', `doppel knows no image '${name}'; ${hint}`, { name })
}
