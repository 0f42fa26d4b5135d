/** An error of the file system, or of a jail: a cache that cannot be read or written is no reason not to run. */
export function isFileError(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || ('code' in error && error.code === 'ERR_ACCESS_DENIED'))
}
