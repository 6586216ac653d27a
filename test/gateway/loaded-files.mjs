// With --import: writes the addresses of all modules that the main thread loaded to the file that LOADED_FILES names, at the end.

import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const file = process.env.LOADED_FILES
if (isMainThread && file !== undefined) {
  const loaded = []
  registerHooks({
    load(url, context, next) {
      loaded.push(url)
      return next(url, context)
    },
  })
  process.on('exit', () => writeFileSync(file, loaded.join('\n')))
}
