// A central in a process of its own for the benchmark: expands, decodes and acknowledges, and keeps nothing. Prints its port.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { acknowledge, requestOf } from './scripted-central.ts'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.url?.endsWith('/ingest') !== true) return void response.writeHead(200).end()
    acknowledge(response, requestOf(Buffer.concat(chunks), request.headers))
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.on('disconnect', () => process.exit())
