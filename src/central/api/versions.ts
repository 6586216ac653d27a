// Versions of the API stand beside each other under /api/{version}: each has its own routes, document and page, and all share guard,
// limits and audit. A second one is one more entry in the list that the server is built with.

import type { CentralContext, CentralServer } from './context.ts'
import { registerDocument, registerDocumentCollector } from './openapi.ts'

export interface ApiVersion {
  /** `v1`. */
  readonly name: string
  /** Registers its routes, with addresses below /api/{name}. */
  readonly register: (app: CentralServer, context: CentralContext) => void
}

/** Mounts versions side by side. */
export async function mountVersions(
  app: CentralServer,
  versions: readonly ApiVersion[],
  context: CentralContext,
): Promise<void> {
  for (const { name, register } of versions) {
    const prefix = `/api/${name}`
    await app.register(
      async (scope: CentralServer) => {
        await registerDocumentCollector(scope, context)
        register(scope, context)
        registerDocument(scope, prefix)
      },
      { prefix },
    )
  }
}
