// A gateway from its start to its stop, and how many modules that loaded: its own, and those of OpenTelemetry. As a process of its own.

import { registerHooks } from 'node:module'

const loaded: string[] = []
registerHooks({
  load: (url, context, next) => {
    loaded.push(url)
    return next(url, context)
  },
})
const { startTestGateway } = await import('./start-gateway.ts')
const [folder, yaml] = process.argv.slice(2)
const gateway = await startTestGateway(folder!, yaml!)
await gateway.stop({ deadlineMs: 20_000 })
const count = (part: RegExp): number => loaded.filter((url) => part.test(url)).length
// Its interface alone, without anything behind it, comes with the library for metrics.
const opentelemetry = count(/\/@opentelemetry\/(?!api\/)/)
process.stdout.write(JSON.stringify({ own: count(/\/src\//), opentelemetry }))
