// Why a file could not be read, as a person would say it.

/** In words, from the code of a file system error. */
export function ioReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'EISDIR':
      return 'it is a folder'
    case 'ENOTDIR':
      return 'a part of its path is no folder'
    case 'ERR_INVALID_ARG_VALUE':
      return 'its name holds a character that no file name may hold'
    default:
      return code === '' ? 'unknown reason' : code
  }
}
