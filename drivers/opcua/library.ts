// node-opcua-client, loaded when the first OPC UA device connects and not before: it takes 0.3 s and 100 MB.

import type * as NodeOpcua from 'node-opcua-client'

export type Library = typeof NodeOpcua

let loading: Promise<Library> | null = null // a module is loaded once in a process, whoever asks

/** Loads the library. What it would print is silenced: errors reach the caller as errors, and it dumps certificates. */
export function loadLibrary(): Promise<Library> {
  loading ??= import('node-opcua-client').then((library) => {
    const silent = (): void => {}
    library.setDebugLogger(silent)
    library.setWarningLogger(silent)
    library.setErrorLogger(silent)
    return library
  })
  return loading
}
