// The page of the API: the OpenAPI document as plain HTML, without a script and without a request beyond this machine.

import { TelemetryError } from '#domain/errors.ts'

/** An OpenAPI document, as far as the page shows it. */
export interface ShownDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: Readonly<Record<string, unknown>>
}

interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: { readonly default?: unknown; readonly enum?: readonly unknown[] }
  }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, Content>> }
  readonly responses?: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, Content>> }>
  >
}

interface Content {
  readonly schema?: unknown
  readonly example?: unknown
}

interface Named {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

/** Served beside the page: the content security policy allows no styles within it. */
export const DOCS_STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
h2 { margin: 2rem 0 0.5rem; border-bottom: 1px solid; text-transform: capitalize }
details { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: 0.4rem 0 }
summary { cursor: pointer }
summary code { font-weight: 600; overflow-wrap: anywhere }
.method { display: inline-block; min-width: 4.5rem; font-family: ui-monospace, monospace }
pre { overflow: auto; max-height: 24rem; padding: 0.75rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
table { border-collapse: collapse } td, th { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0 }
`

/** The page. `styleUrl`: where DOCS_STYLE is served. Throws INTERNAL for a document without paths. */
export function docsPage({ info, paths }: ShownDocument, styleUrl: string): string {
  if (paths === undefined) throw new TelemetryError('INTERNAL', 'The OpenAPI document has no paths')
  const named = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations as Record<string, Operation>).map(([method, operation]): Named => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  )
  const sections = Map.groupBy(named, ({ operation }) => operation.tags?.[0] ?? 'other')
  const links = [...sections.keys()].map((tag) => `<a href="#${escape(tag)}">${escape(tag)}</a>`).join(' · ')
  const body = [...sections].map(([tag, operations]) => section(tag, operations)).join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(info.title)} API</title><link rel="stylesheet" href="${escape(styleUrl)}"></head>
<body><h1>${escape(info.title)} API</h1>
<p>Version ${escape(info.version)}. ${escape(info.description ?? '')}</p>
<p>The same for programs: <a href="openapi.json">openapi.json</a></p>
<nav aria-label="Sections">${links}</nav>
<main>${body}</main></body></html>
`
}

function section(tag: string, operations: readonly Named[]): string {
  return `<section><h2 id="${escape(tag)}">${escape(tag)}</h2>\n${operations.map(operationText).join('\n')}</section>`
}

function operationText({ method, path, operation }: Named): string {
  const { summary = '', description = '', parameters = [], requestBody, responses = {} } = operation
  const rows = parameters.map(({ name, in: place, required, description: words = '', schema }) => {
    const choice = schema?.enum ? `One of ${schema.enum.join(', ')}. ` : ''
    const standard = schema?.default === undefined ? '' : `Default ${JSON.stringify(schema.default)}. `
    const need = required === true ? 'needed' : ''
    return `<tr><th scope="row"><code>${escape(name)}</code></th><td>${place} ${need}</td><td>${escape(choice + standard + words)}</td></tr>`
  })
  const answers = Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, answer]) => contentText(`Answer ${status}`, answer.content))
  return `<details><summary><span class="method">${method}</span> <code>${escape(path)}</code> ${escape(summary)}</summary>
<p>${escape(description)}</p>
${rows.length > 0 ? `<table>${rows.join('')}</table>` : ''}
${contentText('Body', requestBody?.content)}
${answers.join('\n')}</details>`
}

function contentText(title: string, content: Readonly<Record<string, Content>> | undefined): string {
  return Object.entries(content ?? {})
    .map(([mediaType, { example, schema }]) => {
      const text = typeof example === 'string' ? example : JSON.stringify(example ?? schema ?? null, null, 2)
      return `<h3>${escape(title)}</h3><p>${escape(mediaType)}</p><pre tabindex="0"><code>${escape(text)}</code></pre>`
    })
    .join('\n')
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
