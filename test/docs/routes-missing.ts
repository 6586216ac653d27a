// Routes that the manual says nothing of.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '#gateway/version.ts'

/** The look of a page is no interface. */
const NOT_FOR_OTHERS = /\.css$/

/** Of the paths of an OpenAPI document, those whose last word stands behind a slash in none of the files. */
export function routesMissingIn(files: readonly string[], paths: readonly string[]): string[] {
  const text = files.map((file) => readFileSync(join(PACKAGE_ROOT, file), 'utf8')).join('\n')
  return paths.filter((path) => {
    const words = path.split('/').filter((word) => word !== '' && !word.startsWith('{'))
    return !NOT_FOR_OTHERS.test(path) && !new RegExp(`/${words.at(-1)!.replaceAll('.', '\\.')}(?![\\w-])`).test(text)
  })
}
