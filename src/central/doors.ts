// The ways into central beside HTTP: each listens on a port of its own when the configuration names it.

/** One of them. */
export interface Door {
  readonly name: 'grpc' | 'line'
  /** Resolves with the port. Throws PORT_IN_USE, CONFIG_UNREADABLE. */
  listen(): Promise<number>
  /** Takes nothing new and settles what is under way; when `signal` aborts, at once. Safe to call twice. */
  stop(signal: AbortSignal): Promise<void>
}

export class Doors {
  readonly #doors: readonly Door[]
  readonly #ports = new Map<Door['name'], number>()

  constructor(doors: readonly Door[]) {
    this.#doors = doors
  }

  get ports(): { readonly grpc: number | null; readonly line: number | null } {
    return { grpc: this.#ports.get('grpc') ?? null, line: this.#ports.get('line') ?? null }
  }

  async start(): Promise<void> {
    for (const door of this.#doors) this.#ports.set(door.name, await door.listen())
  }

  async stop(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.stop(signal)))
  }
}
