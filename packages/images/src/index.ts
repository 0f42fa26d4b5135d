export { readReturnable, returnableBytes } from './cache/files.ts'
export { cacheFolder } from './cache/cache-folder.ts'
export { type CachedObject, ImageCache } from './cache/image-cache.ts'
export { type ArchiveOptions, DebianArchive } from './debian/archive.ts'
export { extractDeb } from './debian/deb.ts'
export { chooseMirror, DEFAULT_MIRROR, type MirrorChoice, mirrorUrl } from './debian/mirror.ts'
export { bootstrapDisk } from './debian/bootstrap.ts'
export type { PackageIndex } from './debian/package-index.ts'
export { SECOND_STAGE } from './debian/second-stage.ts'
export type { DebianPackage } from './debian/packages.ts'
export { type ProxySettings, proxySettings, useHostProxy } from './debian/proxy.ts'
export type { Release, ReleaseFile } from './debian/release.ts'
export { type Download, download } from './download.ts'
export type { Progress } from './progress.ts'
export { type ControlEvent, ControlReader, inputFrame, MAX_INPUT_FRAME_BYTES } from './linux/control.ts'
export { type GuestSetup, type GuestVolume, guestArchive } from './linux/guest-archive.ts'
export {
  type LinuxImage,
  type LinuxImageOptions,
  linuxImage,
  linuxImageObjects,
  linuxImageVersion,
  removeLinuxImage,
} from './linux/linux.ts'
export {
  findJavaLibrary,
  type JavaLibrary,
  type JavaLibraryOptions,
  javaLibraryObjects,
  pullJavaLibrary,
  removeJavaLibrary,
} from './openjdk/openjdk.ts'
export { MemoryStore } from './disk/memory.ts'
export { openRaw } from './disk/raw.ts'
export { createQcow2, createQcow2Overlay, openQcow2 } from './disk/qcow2.ts'
export { openDisk } from './disk/open.ts'
export { Ext4Builder } from './ext4/file-system.ts'
export type { FileSystemIdentity } from './ext4/superblock.ts'
export { applyTar } from './ext4/tar-layer.ts'
export {
  findRootImage,
  type ImageConfig,
  imageName,
  removeRootImage,
  type RootImage,
  rootImages,
  saveRootImage,
} from './root-image.ts'
export { type Imported, importInto } from './import.ts'
export { openOciImage, unpackOciImage } from './oci/image.ts'
export { type Credentials, credentials, RegistryLogins } from './oci/credentials.ts'
export { checkLogin, readReference, type Reference, registrySource } from './oci/registry.ts'
export { type Recipe, type RecipeStep, readRecipe } from './recipe.ts'
