// What was typed about a machine or a sensor → what is to be changed of it. Pure.

import type { Labels } from './model-api.ts'

export interface EditedText {
  /** As the API names it. */
  readonly key: string
  readonly label: string
  readonly value: string
  readonly maxLength: number
  readonly hint?: string
}

interface Before {
  readonly texts: readonly EditedText[]
  readonly labels: Labels
}

interface Typed {
  readonly values: Readonly<Record<string, string>>
  readonly tags: string
  readonly metadata: string
}

/** Only what is another now: what somebody else changes meanwhile stays. Throws an error in words when nothing is, or it is no JSON object. */
export function changeOf({ texts, labels }: Before, { values, tags, metadata }: Typed): object {
  const change: Record<string, unknown> = {}
  for (const { key, value } of texts) {
    const typed = (values[key] ?? '').trim()
    if (typed !== value) change[key] = typed
  }
  const wanted = tagsOf(tags)
  if (JSON.stringify(wanted) !== JSON.stringify(labels.tags)) change['tags'] = wanted
  const kept = metadataOf(metadata)
  if (JSON.stringify(kept) !== JSON.stringify(labels.metadata)) change['metadata'] = kept
  if (Object.keys(change).length === 0) throw new Error('Nothing would change.')
  return change
}

/** `a, b ,, a` → a and b */
export function tagsOf(text: string): readonly string[] {
  return [
    ...new Set(
      text
        .split(',')
        .map((tag) => tag.trim())
        .filter((tag) => tag !== ''),
    ),
  ]
}

function metadataOf(text: string): object {
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error('The metadata is no JSON. Texts and names stand in double quotes: { "building": "B2" }', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('The metadata must be an object: { "building": "B2" }')
  return value
}
