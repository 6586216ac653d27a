// One line of progress on a terminal's standard error, rewritten in place; silent where there is no terminal.

const EVERY_MS = 200
const BAR_CELLS = 20

export interface ProgressLine {
  /** Shows a line, at most five times a second. */
  show(line: () => string): void
  /** Takes the line away. */
  clear(): void
}

export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} }
  let shownAt = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    show: (line) => {
      const now = performance.now()
      if (now - shownAt < EVERY_MS) return
      shownAt = now
      isShown = true
      stream.write(`\r\u001b[K${line().slice(0, (stream.columns || 80) - 1)}`)
    },
    clear: () => {
      if (isShown) stream.write('\r\u001b[K')
      isShown = false
    },
  }
}

/** `[█████░░░░░]  50 %`; nothing of nothing is all of it. */
export function progressBar(done: number, total: number): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 1
  const filled = Math.floor(share * BAR_CELLS)
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`
}

/** `12,345,678` */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}
