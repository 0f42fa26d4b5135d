import type { TitlePort } from './titles.ts'

/** Bytes that come one piece after another; undefined at the end. May have to wait for them. */
export interface InputStream {
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>
  close?(): void
}
/** Where bytes go. */
export interface OutputStream {
  write(bytes: Uint8Array): void
  close?(): void
}
/** What program parameters that are files stand for (ISO 7185 6.10). */
export interface FilePort {
  /** The file from its beginning; undefined when there is none. */
  reset(name: string): InputStream | undefined
  /** The file, made empty. */
  rewrite(name: string): OutputStream
  /** Files that the program opens by their titles (UCSD Pascal); none where this is left out. */
  readonly titles?: TitlePort
}
