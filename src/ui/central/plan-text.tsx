// What a gateway says of a configuration: its plan in words, and what is wrong with the text, as FILE:LINE:COLUMN.

import type { JSX } from 'preact'
import type { Problem } from './wire.ts'

interface PlanTextProps {
  readonly summary: string | null
  readonly lines: readonly string[]
}

export function PlanText({ summary, lines }: PlanTextProps): JSX.Element {
  return (
    <>
      {summary !== null && <p>{sentence(summary)}</p>}
      {lines.length > 0 && (
        <pre class="code-block" tabIndex={0} aria-label="Plan">
          {lines.join('\n')}
        </pre>
      )}
    </>
  )
}

interface ProblemListProps {
  readonly problems: readonly Problem[]
  /** Goes to its place in the text; absent: the text is not there. */
  readonly onJump?: (problem: Problem) => void
}

export function ProblemList({ problems, onJump }: ProblemListProps): JSX.Element | null {
  if (problems.length === 0) return null
  return (
    <ul class="told-problems">
      {problems.map((problem) => (
        <li key={`${placeOf(problem)} ${problem.message}`}>
          {onJump !== undefined && problem.line !== null ? (
            <button type="button" class="told-problem" onClick={() => onJump(problem)}>
              <ProblemWords problem={problem} />
            </button>
          ) : (
            <ProblemWords problem={problem} />
          )}
        </li>
      ))}
    </ul>
  )
}

function ProblemWords({ problem }: { readonly problem: Problem }): JSX.Element {
  const place = placeOf(problem)
  return (
    <>
      {place !== '' && <strong class="told-place">{place}</strong>} {problem.message}
    </>
  )
}

/** `gateway.yaml:2:12`, without the folders that the file is in at the gateway. */
function placeOf({ column, file, line }: Problem): string {
  return [file?.replace(/^.*[/\\]/, ''), line, column].filter((part) => part !== null && part !== undefined).join(':')
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`
}
