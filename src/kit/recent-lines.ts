// The last lines of a log in memory, bounded by count and by bytes, beside wherever they are written to.

import type { DestinationStream } from 'pino'

const MAX_LINES = 1000
const MAX_CHARACTERS = 512 * 1024

export class RecentLines {
  readonly #lines: string[] = []
  #characters = 0

  /** Oldest first, without line ends. */
  lines(): readonly string[] {
    return [...this.#lines]
  }

  /** A destination that keeps each line and passes it on. */
  tee(destination: DestinationStream): DestinationStream {
    return {
      write: (text) => {
        this.#keep(text.endsWith('\n') ? text.slice(0, -1) : text)
        destination.write(text)
      },
    }
  }

  #keep(line: string): void {
    this.#lines.push(line)
    this.#characters += line.length
    while (this.#lines.length > MAX_LINES || (this.#characters > MAX_CHARACTERS && this.#lines.length > 1)) {
      this.#characters -= this.#lines.shift()!.length
    }
  }
}
