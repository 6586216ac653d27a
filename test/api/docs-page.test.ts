import { Compile } from 'typebox/compile'
import { describe, expect, it } from 'vitest'
import { docsPage } from '#api/docs-page.ts'
import { call, startApi } from './fixture.ts'

interface Content {
  readonly schema: object
  readonly example?: unknown
}
interface Operation {
  readonly summary: string
  readonly requestBody?: { readonly content: Record<string, Content> }
  readonly responses: Record<string, { readonly content?: Record<string, Content> }>
}

describe('the OpenAPI document', () => {
  it('has an example for every JSON body and answer, and each suits its schema', async () => {
    const api = await startApi()
    const { paths } = (await call(api.url, '/api/v1/openapi.json')).json as {
      paths: Record<string, Record<string, Operation>>
    }
    const lacking: string[] = []
    let examples = 0
    for (const [path, operations] of Object.entries(paths))
      for (const [method, { requestBody, responses }] of Object.entries(operations)) {
        const contents: [string, Content | undefined][] = [
          ['body', requestBody?.content['application/json']],
          ...Object.entries(responses)
            .filter(([status]) => status !== 'default')
            .map(([status, { content }]): [string, Content | undefined] => [status, content?.['application/json']]),
        ]
        for (const [place, content] of contents) {
          if (content === undefined) continue
          if (content.example === undefined || !Compile(content.schema).Check(content.example))
            lacking.push(`${method} ${path} ${place}`)
          else examples += 1
        }
      }
    expect(lacking).toEqual([])
    expect(examples).toBeGreaterThan(50)
  })
})

describe('the page of the API', () => {
  it('shows every operation, without a script and without asking another machine', async () => {
    const api = await startApi()
    const page = await call(api.url, '/api/v1/docs')
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
    const { paths } = (await call(api.url, '/api/v1/openapi.json')).json as { paths: Record<string, object> }
    const operations = Object.values(paths).flatMap((path) => Object.keys(path))
    expect(page.text.match(/<details>/g)).toHaveLength(operations.length)
    expect(page.text).not.toMatch(/<script|style=|https?:\/\/(?!127)|\son[a-z]+="/)
    const [, style] = /href="([^"]+\.css)"/.exec(page.text)!
    expect(await call(api.url, style!)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/css; charset=utf-8' },
    })
  })

  it('shows texts as they are, never as part of the page', () => {
    const page = docsPage(
      { info: { title: '<img>', version: '"1"' }, paths: { '/<b>': { get: { summary: "'&" } } } },
      '/docs.css',
    )
    expect(page).not.toContain('<img>')
    expect(page).not.toContain('<b>')
    expect(page).toContain('&#39;&#38;')
  })
})
