// How the editor looks: every colour is a token of the page, so that light, dark, high contrast and forced colours hold in it too.

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const MONO = "ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Consolas, monospace"

const look = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--raised)', height: '100%', fontSize: 'var(--type-2)' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: MONO, lineHeight: '1.5', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--ink)', padding: 'var(--gap-2) 0' },
  '.cm-gutters': {
    color: 'var(--ink-3)',
    backgroundColor: 'var(--surface)',
    borderRight: '1px solid var(--line)',
  },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '.cm-activeLineGutter': { color: 'var(--ink)', backgroundColor: 'var(--ground)', fontWeight: '700' },
  '.cm-matchingBracket': { outline: '1px solid var(--line-strong)', backgroundColor: 'transparent' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--urgent)',
    textDecorationSkipInk: 'none',
  },
  '.cm-lint-marker-error': {
    content: 'none',
    width: '0.7em',
    height: '0.7em',
    margin: '0.35em 0.1em',
    borderRadius: '50%',
    background: 'var(--urgent)',
    forcedColorAdjust: 'none',
  },
  '.cm-tooltip': {
    color: 'var(--ink)',
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius)',
    maxWidth: 'min(36rem, 90vw)',
    fontFamily: 'inherit',
  },
  '.cm-tooltip-autocomplete > ul': { fontFamily: MONO, maxHeight: '16rem' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '0.2rem 0.5rem' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    color: 'var(--raised)',
    backgroundColor: 'var(--ink)',
  },
  '.cm-completionDetail': { fontStyle: 'normal', marginLeft: '1em' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionInfo': { padding: 'var(--gap-2) var(--gap-3)', maxWidth: '22rem' },
  '.cm-explain, .cm-diagnostic': { padding: 'var(--gap-1) var(--gap-3)' },
  '.cm-explain p': { margin: '0.2em 0' },
  '.cm-explain p + p': { color: 'var(--ink-2)', fontFamily: MONO, fontSize: 'var(--type-1)' },
  '.cm-diagnostic-error': { borderLeft: '4px solid var(--urgent)' },
  '.cm-panels': { color: 'var(--ink)', backgroundColor: 'var(--surface)' },
  '.cm-panels.cm-panels-bottom': { borderTop: '1px solid var(--line)' },
  '.cm-panel input, .cm-panel button': {
    color: 'inherit',
    background: 'var(--raised)',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius)',
    font: 'inherit',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--medium-tint)', outline: '1px solid var(--line-strong)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--high-tint)' },
})

const words = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], fontWeight: '700' },
  { tag: tags.comment, color: 'var(--ink-3)', fontStyle: 'italic' },
  { tag: [tags.string, tags.content, tags.attributeValue], color: 'var(--ink)' },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: 'var(--ink-3)' },
])

export const editorLook: Extension = [look, syntaxHighlighting(words)]
