// The serial ports of a Linux machine, from /sys and /dev alone: serialport's own list needs udevadm, which small systems
// and containers lack.

import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface FoundPort {
  /** For example /dev/ttyUSB0. */
  readonly path: string
  /** Its name under /dev/serial/by-id, which stays the same; null when it has none. */
  readonly byId: string | null
  /** Of a USB adapter; empty when it does not say. */
  readonly manufacturer: string
  readonly product: string
  readonly serialNumber: string
}

/** Folders between a port and the USB device that it belongs to. */
const MAX_LEVELS = 6
/** In /sys/class/tty/ttyS*: no chip was found there. */
const UNKNOWN_UART = '0'

/** Sorted by path. `root` is for tests. */
export async function listPorts(root = '/'): Promise<readonly FoundPort[]> {
  const classFolder = join(root, 'sys/class/tty')
  const names = await entries(classFolder)
  const byId = await namesById(root)
  const ports = await Promise.all(names.map((name) => describePort(root, name, byId.get(name) ?? null)))
  return ports.filter((port) => port !== null).sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
}

/** null for what is no port: consoles, and UARTs that are not there. */
async function describePort(root: string, name: string, byId: string | null): Promise<FoundPort | null> {
  const folder = join(root, 'sys/class/tty', name)
  const device = await orNull(realpath(join(folder, 'device')))
  if (device === null || (await text(join(folder, 'type'))) === UNKNOWN_UART) return null
  const usb = await usbFolder(device)
  const told = async (file: string): Promise<string> => (usb === null ? '' : await text(join(usb, file)))
  return {
    path: join('/dev', name),
    byId,
    manufacturer: await told('manufacturer'),
    product: await told('product'),
    serialNumber: await told('serial'),
  }
}

async function usbFolder(device: string): Promise<string | null> {
  let folder = device
  for (let level = 0; level < MAX_LEVELS; level++) {
    if ((await text(join(folder, 'idVendor'))) !== '') return folder
    folder = dirname(folder)
  }
  return null
}

async function namesById(root: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(root, 'dev/serial/by-id')
  const found = new Map<string, string>()
  for (const name of await entries(folder)) {
    const target = await orNull(readlink(join(folder, name)))
    if (target !== null) found.set(basename(target), join('/dev/serial/by-id', name))
  }
  return found
}

async function entries(folder: string): Promise<readonly string[]> {
  return (await orNull(readdir(folder))) ?? []
}

async function text(file: string): Promise<string> {
  return (await orNull(readFile(file, 'utf8')))?.trim() ?? ''
}

/** What /sys does not have, or does not let everybody read, is simply not known. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch {
    return null
  }
}
