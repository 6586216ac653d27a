// A gateway from its start to its stop, and which packages that loaded: `[FOLDER, YAML]` → a JSON list of names. As a process of its own.

import { registerHooks } from 'node:module'

const packages = new Set<string>()
registerHooks({
  load: (url, context, next) => {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? []
    if (name !== undefined) packages.add(name)
    return next(url, context)
  },
})
const { startTestGateway } = await import('./start-gateway.ts')
const [folder, yaml] = process.argv.slice(2)
const gateway = await startTestGateway(folder!, yaml!)
await gateway.stop({ deadlineMs: 20_000 })
process.stdout.write(JSON.stringify([...packages]))
