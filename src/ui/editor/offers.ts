// Completion and hover of the editor, from the JSON Schema of the file.

import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete'
import type { Extension } from '@codemirror/state'
import { hoverTooltip, type EditorView, type Tooltip } from '@codemirror/view'
import { explain, keyOffers, schemasAt, valueOffers, type KeyOffer, type Schema } from './schema-place.ts'
import { keyAt, placeOf } from './yaml-place.ts'

/** `schema` may come later than the text: null offers nothing. */
export function schemaOffers(schema: () => Schema | null): Extension {
  const complete = (context: CompletionContext): CompletionResult | null => {
    const root = schema()
    return root === null ? null : offersAt(root, context)
  }
  return [
    autocompletion({ override: [complete], icons: false, aboveCursor: false }),
    hoverTooltip((view, at) => {
      const root = schema()
      return root === null ? null : hoverAt(root, view, at)
    }),
  ]
}

function offersAt(root: Schema, context: CompletionContext): CompletionResult | null {
  const place = placeOf(context.state.doc.toString(), context.pos)
  if (place === null) return null
  if (!context.explicit && place.from === context.pos && place.kind === 'key') return null
  const schemas = schemasAt(root, place.steps)
  const indent = indentOf(context, place.from)
  const options =
    place.kind === 'key'
      ? keyOffers(schemas, place.siblings).map((offer) => keyCompletion(offer, indent))
      : valueOffers(schemas).map((label) => ({ label }))
  return options.length === 0 ? null : { from: place.from, options, validFor: /^[\w.-]*$/ }
}

/** Of the line's keys: what hangs below a key goes two further in. */
function indentOf(context: CompletionContext, from: number): string {
  const line = context.state.doc.lineAt(from)
  return ' '.repeat(from - line.from)
}

function keyCompletion(offer: KeyOffer, indent: string): Completion {
  const below = offer.holds === 'list' ? `\n${indent}  - ` : offer.holds === 'mapping' ? `\n${indent}  ` : ' '
  return {
    label: offer.key,
    apply: `${offer.key}:${below}`,
    detail: [offer.isRequired ? 'needed' : '', offer.detail].filter((text) => text !== '').join(', '),
    boost: offer.isRequired ? 1 : 0,
    ...(offer.description !== '' && { info: offer.description }),
  }
}

function hoverAt(root: Schema, view: EditorView, at: number): Tooltip | null {
  const key = keyAt(view.state.doc.toString(), at)
  if (key === null) return null
  const known = explain(schemasAt(root, key.steps))
  if (known === null || (known.description === '' && known.detail === '')) return null
  return {
    pos: key.from,
    end: key.to,
    above: true,
    create: () => {
      const dom = document.createElement('div')
      dom.className = 'cm-explain'
      for (const text of [known.description, known.detail]) {
        if (text === '') continue
        const line = document.createElement('p')
        line.textContent = text
        dom.append(line)
      }
      return { dom }
    },
  }
}
