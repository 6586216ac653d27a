// A page of a list, as every list of the API comes.

import { Fields } from './fields.ts'

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export function decodePage<T>(decode: (source: unknown) => T): (source: unknown) => Page<T> {
  return (source) => {
    const fields = new Fields(source, 'list')
    return { items: fields.list('items', decode), next: fields.textOrNull('next') }
  }
}
