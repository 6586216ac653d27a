// Keeps V8 from a race that ends the process: a call from WebAssembly to JavaScript that became hot gets a wrapper of its
// own, and the cache of wrappers is shared by all threads but freed by one (V8 13.6: abort in WasmImportWrapperCache::Free,
// called from Runtime_TierUpWasmToJSWrapper). Node strips types with WebAssembly, so each start of a thread comes that way.

import { setFlagsFromString } from 'node:v8'

/** Lets no such call become hot, in any thread started from now on. The launcher gives the same flag for the main thread. */
export function keepWasmWrappers(): void {
  setFlagsFromString('--wasm-wrapper-tiering-budget=2000000000')
}
