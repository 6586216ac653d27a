// Exit codes, from sysexits.h, so that scripts and systemd can tell failures apart.

import type { ErrorCode } from '#domain/errors.ts'

export const EXIT_OK = 0
/** The command did its work and has bad news: `probe` found a bad sensor. */
export const EXIT_BAD = 1
export const EXIT_USAGE = 64
export const EXIT_UNAVAILABLE = 69
export const EXIT_SOFTWARE = 70
export const EXIT_IO = 74
export const EXIT_PERMISSION = 77
export const EXIT_CONFIG = 78

/** The exit code of a command that failed with this error. */
export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'CONFIG_INVALID':
    case 'CONFIG_UNREADABLE':
      return EXIT_CONFIG
    case 'USAGE':
    case 'OUT_OF_RANGE':
    case 'NOT_WRITABLE':
    case 'NOT_FOUND':
      return EXIT_USAGE
    case 'CONFIG_NOT_WRITABLE':
    case 'STORE_FULL':
    case 'STORE_IO':
    case 'STORE_CORRUPT':
    case 'STORE_LOCKED':
      return EXIT_IO
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return EXIT_PERMISSION
    case 'CONNECTION_FAILED':
    case 'CONNECTION_LOST':
    case 'TIMEOUT':
    case 'PROTOCOL':
    case 'DEVICE_EXCEPTION':
    case 'CONFLICT':
    case 'STALE':
    case 'ABORTED':
    case 'BUFFER_FULL':
    case 'RATE_LIMITED':
    case 'EXPIRED':
    case 'REJECTED':
    case 'PORT_IN_USE':
    case 'RUNTIME_MISSING':
    case 'UNAVAILABLE':
      return EXIT_UNAVAILABLE
    case 'INTERNAL':
      return EXIT_SOFTWARE
  }
}
