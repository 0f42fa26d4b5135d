import { DoppelError, formatSize, MIB } from '@doppel/base'
import type { VirtBoot } from '@doppel/board'
import {
  cacheFolder,
  guestArchive,
  ImageCache,
  linuxImage,
  type Progress,
  readReturnable,
  returnableBytes,
  useHostProxy,
} from '@doppel/images'
import type { RunOptions } from '../cli/run-options.ts'

/** A file by its name in messages. */
type BootFile = { readonly name: string; readonly bytes: Uint8Array }

/** The serial number of the disk that a machine has its root file system on. */
export const ROOT_SERIAL = 'doppel-root'

/** The tag of the n-th shared folder. */
export function volumeTag(index: number): string {
  return `volume${index}`
}

/** Reads what the machine starts from; fetches an image that is not here yet. Throws `run.file`, `net.*`, `image.*`. */
export async function bootFiles(options: RunOptions, nonce: string, progress: Progress): Promise<VirtBoot> {
  const file = async (path: string | undefined): Promise<BootFile | undefined> =>
    path === undefined ? undefined : { name: path, bytes: await readBootFile(path) }
  if (options.target?.kind === 'elf') {
    const elf = { name: options.target.path, bytes: await readBootFile(options.target.path) }
    return options.firmware === undefined ? { elf } : { firmware: elf }
  }
  const image = options.target === undefined ? undefined : await imageFiles(options, nonce, progress)
  const firmware = await file(options.firmware)
  const kernel = (await file(options.kernel)) ?? image?.kernel
  const initrd = (await file(options.initrd)) ?? image?.initrd
  const append = [image?.append, options.append].filter(words => words !== undefined).join(' ')
  const rest = { append, ...(initrd && { initrd }) }
  if (firmware) return { firmware, ...rest, ...(kernel && { kernel }) }
  if (!kernel) throw new DoppelError('run.file', 'no kernel to boot; give --kernel FILE or name an image')
  return { kernel, ...rest }
}

async function imageFiles(
  options: RunOptions,
  nonce: string,
  progress: Progress,
): Promise<{ kernel: BootFile; initrd: BootFile; append: string }> {
  useHostProxy()
  const image = await linuxImage({ cache: new ImageCache(cacheFolder(options.env)), progress })
  const { root, target } = options
  const isLinux = target?.kind === 'image' && target.name === 'linux'
  const setup = guestArchive({
    nonce,
    ...(!isLinux && target?.kind === 'image' && { hostname: target.name.replaceAll(/[^a-z0-9-]+/g, '-') }),
    ...(root && { env: root.env ?? {}, folder: root.folder, user: root.user }),
    volumes: options.volumes.map((v, i) => ({ tag: volumeTag(i), path: v.guestPath, readOnly: v.readOnly })),
    ...(options.command && { argv: options.command, input: true }),
  })
  const initrd = returnableBytes(image.initrd.length + setup.length)
  initrd.set(image.initrd)
  initrd.set(setup, image.initrd.length)
  discardBytes(image.initrd)
  if (options.kernel === undefined && options.initrd === undefined) checkMemory(options, image.kernel, initrd)
  const loud = options.verbose ? 'earlycon=sbi' : 'quiet'
  // The last console named is the one that /init uses.
  const consoles = options.command ? 'console=ttyS0' : 'console=ttyS0 console=hvc0'
  return {
    kernel: { name: `the linux image's kernel ${image.version}`, bytes: image.kernel },
    initrd: { name: "the linux image's initrd", bytes: initrd },
    // A kernel that has panicked ends the machine instead of standing still for ever.
    append: `${consoles} ${loud} panic=-1${isLinux ? '' : ` doppel.root=${ROOT_SERIAL}`}`,
  }
}

/** What Debian's kernel and the first programs take beside the kernel's own file and the files of its initrd, measured. */
const KERNEL_WORK_BYTES = 56 * MIB

/** A kernel that runs out of memory while it unpacks its initrd cannot even say so. Throws `run.memory`. */
function checkMemory({ memoryBytes }: RunOptions, kernel: Uint8Array, initrd: Uint8Array): void {
  const neededBytes = kernel.length + 2 * initrd.length + KERNEL_WORK_BYTES
  if (memoryBytes >= neededBytes) return
  const needed = formatSize(Math.ceil(neededBytes / MIB) * MIB)
  throw new DoppelError('run.memory', `${formatSize(memoryBytes)} is too little for linux; it needs ${needed}`, {
    memoryBytes,
    neededBytes,
  })
}

/** Gives memory back at once: the collector does not see how large it is. Nothing may read it any more. */
export function discardBytes({ buffer, byteLength }: Uint8Array): void {
  // What is a part of something larger is not ours alone.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

async function readBootFile(path: string): Promise<Uint8Array> {
  try {
    return await readReturnable(path)
  } catch (error) {
    throw new DoppelError(
      'run.file',
      `${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      { path },
      error,
    )
  }
}
