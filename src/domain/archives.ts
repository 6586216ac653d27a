// Archives that a gateway makes of itself on request: a backup, or a support bundle.

export type ArchiveKind = 'backup' | 'support-bundle'

export interface Archive {
  /** A whole file that nothing else uses. */
  readonly path: string
  readonly bytes: number
  /** Takes the file away; to be called once it was read. Never rejects. */
  remove(): Promise<void>
}

export interface Archives {
  /** Throws CONFLICT while another one is made, STORE_FULL without room for it, STORE_IO, ABORTED. */
  make(kind: ArchiveKind, signal: AbortSignal): Promise<Archive>
}
