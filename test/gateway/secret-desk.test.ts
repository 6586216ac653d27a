// What reads a secret, told from the text of a configuration in each of the ways that people write it.

import { describe, expect, it } from 'vitest'
import { secretUses } from '#gateway/secret-desk.ts'

const uses = (...texts: string[]): object => Object.fromEntries(secretUses(texts))

describe('what reads a secret', () => {
  it('is told by its key, in blocks, on one line, in lists at the margin and in addresses', () => {
    const text = `# \${secret:comment}
gateway: { id: edge-01 }
broker:
  users:
    - { name: line, password: "\${secret:line}" }
    - name: other
      password: "\${secret:other}"
devices:
- id: press-1
  connection:
    user: { name: edge, password: "\${secret:press}" }
  sensors:
  - { id: a, description: "costs $\${secret:none} and \${secret:press}" }
- id: press-2
  connection: { url: "mqtt://u:\${secret:url}@h" }
uplinks: [ { id: hq, token: "\${secret:hq}" } ]
`
    expect(uses(text, text)).toEqual({
      line: ['broker.users.line.password'],
      other: ['broker.users.other.password'],
      press: ['devices.press-1.connection.user.password', 'devices.press-1.sensors.a.description'],
      url: ['devices.press-2.connection.url'],
      hq: ['uplinks.hq.token'],
    })
  })

  it('is told as a whole where an entry cannot be read by itself, and for a text on one line', () => {
    expect(uses('uplinks:\n  - { id: hq, token: "${secret:a}" }\n  - { id: [, token: "${secret:b}" }\n')).toEqual({
      a: ['uplinks.hq.token'],
      b: ['uplinks'],
    })
    expect(uses('{ gateway: { id: a }, uplinks: [ { id: hq, token: "${secret:hq}" } ] }')).toEqual({
      hq: ['uplinks.hq.token'],
    })
    expect(uses('no: secrets\n', '')).toEqual({})
  })
})
