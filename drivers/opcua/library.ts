// node-opcua-client, loaded when the first OPC UA device connects and not before: it takes 0.4 s and 100 MB.

import type * as NodeOpcua from 'node-opcua-client'
import { loadPartsOf } from './load-in-turns.ts'

export type Library = typeof NodeOpcua

let loading: Promise<Library> | null = null // a module is loaded once in a process, whoever asks

/**
 * Loads the library. What it would print is silenced: errors reach the caller as errors, and it dumps certificates.
 * `onPart` is called after each part that was loaded in a turn of its own.
 */
export function loadLibrary(onPart?: (name: string) => void): Promise<Library> {
  loading ??= load(onPart)
  return loading
}

async function load(onPart: ((name: string) => void) | undefined): Promise<Library> {
  await loadPartsOf('node-opcua-client', import.meta.url, { isPart: isLarge, ...(onPart && { onPart }) })
  const library = await import('node-opcua-client')
  const silent = (): void => {}
  library.setDebugLogger(silent)
  library.setWarningLogger(silent)
  library.setErrorLogger(silent)
  return library
}

/** What takes most of the time; all of it loads by itself. */
function isLarge(name: string): boolean {
  return name.startsWith('node-opcua-') || name.startsWith('@peculiar/') || name === 'reflect-metadata'
}
