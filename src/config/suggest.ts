// "Did you mean": the known word nearest to a misspelt one.

import { distance } from 'fastest-levenshtein'

/** The nearest of `known` within a third of the word's length (at least 1, at most 3 edits); undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = fold(word)
  let best: string | undefined
  let bestDistance = Math.min(3, Math.max(1, Math.ceil(word.length / 3))) + 1
  for (const candidate of known) {
    const edits = editsBetween(plain, fold(candidate))
    if (edits < bestDistance) {
      best = candidate
      bestDistance = edits
    }
  }
  return best
}

/** Letters that changed places are one slip, not two. */
function editsBetween(word: string, other: string): number {
  const edits = distance(word, other)
  return edits === 2 && sortedLetters(word) === sortedLetters(other) ? 1 : edits
}

function sortedLetters(word: string): string {
  return word.split('').sort().join('')
}

/** `; did you mean "address"?`, or nothing. */
export function suggestion(
  word: string,
  known: readonly string[],
  show = (name: string): string => `"${name}"`,
): string {
  const near = nearest(word, known)
  return near === undefined ? '' : `; did you mean ${show(near)}?`
}

/** `poll_interval`, `Poll-Interval` and `pollInterval` are near: people mix these styles. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '')
}
