import { describe, expect, it } from 'vitest'
import { MASK, maskSecrets, unmaskSecrets } from '#gateway/masked-text.ts'

const keys = new Set(['password', 'token', 'url'])
const options = { keys, file: 'gateway.yaml' }
const TEXT = `# a comment with password: in it
broker: { users: [ { name: line,   password: hunter2-one, publish: ["#"] } ] }
devices:
  - id: plc
    connection: { url: "mqtt://h:1883", password: "\${PW}" }   # stays
    password: 'hunter2-two'
uplinks:
  - { id: hq, type: mqtt, url: "mqtt://me:hunter2-three@h", token: hunter2-four }
  - id: other
    token: |
      hunter2-five
      second line
    topic: x
  - { id: third, password: 12345 }
`

describe('A configuration that is read', () => {
  it('has its literal secrets masked and everything else as it was written', () => {
    const masked = maskSecrets(TEXT, keys)
    expect(masked).not.toMatch(/hunter2|second line|12345/)
    expect(masked).toContain('# a comment with password: in it')
    expect(masked).toContain(`{ name: line,   password: "${MASK}", publish: ["#"] }`)
    expect(masked).toContain('url: "mqtt://h:1883", password: "${PW}" }   # stays')
    expect(masked).toContain('    topic: x\n')
  })

  it('comes back to the letter', () => {
    expect(unmaskSecrets(maskSecrets(TEXT, keys), TEXT, options)).toEqual({ ok: true, text: TEXT })
  })

  it('may be edited around its secrets, which go with what they belong to', () => {
    const edited = maskSecrets(TEXT, keys)
      .replace(/ {2}- \{ id: hq.*\n/, '')
      .replace('  - { id: third,', '  - { id: hq, type: mqtt, url: x, token: "********" }\n  - { id: third,')
      .replace('topic: x', 'topic: y')
    const result = unmaskSecrets(edited, TEXT, options)
    expect(result.ok && result.text).toContain('{ id: hq, type: mqtt, url: x, token: hunter2-four }')
    expect(result.ok && result.text).toContain('hunter2-five\n      second line\n    topic: y')
  })

  it('says where a mask stands for nothing', () => {
    const text = 'uplinks:\n  - { id: new, token: "********" }\n'
    expect(unmaskSecrets(text, TEXT, options)).toEqual({
      ok: false,
      problems: [
        {
          file: 'gateway.yaml',
          line: 2,
          column: 23,
          message: 'uplinks.new.token: there is no secret to keep here; write it anew, or better as a reference',
        },
      ],
    })
  })

  it('masks what an alias brings to a secret key', () => {
    const text = 'x: &pw hunter2\nuplinks: [ { id: hq, password: *pw } ]\n'
    const masked = maskSecrets(text, keys)
    expect(masked).not.toContain('hunter2')
    expect(unmaskSecrets(masked, text, options)).toEqual({ ok: true, text })
  })

  it('masks a secret that only begins or ends with a reference, and no address', () => {
    const text = 'uplinks: [ { id: hq, url: "${HOST}:50051", password: "hunter2-${SITE}", token: "$${hunter3}" } ]\n'
    const masked = maskSecrets(text, keys)
    expect(masked).toBe(`uplinks: [ { id: hq, url: "\${HOST}:50051", password: "${MASK}", token: "${MASK}" } ]\n`)
    expect(unmaskSecrets(masked, text, options)).toEqual({ ok: true, text })
  })

  it('is left alone when it is no YAML, or holds references only', () => {
    expect(maskSecrets('a: [', keys)).toBe('a: [')
    expect(maskSecrets('{ id: a, password: hunter2 }', keys)).toBe('{ id: a, password: "********" }')
    expect(maskSecrets('password: "${A}${B}"\n', keys)).toBe('password: "${A}${B}"\n')
  })
})
