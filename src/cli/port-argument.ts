// A TCP port on the command line.

import { InvalidArgumentError } from 'commander'

/** 0 to 65535; 0 stands for any free one. */
export function portArgument(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
