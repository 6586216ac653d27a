// The YAML editor: CodeMirror in a shadow root of its own, where its styles are adopted sheets (the content security policy allows
// no <style>). Tab leaves it: the focus is never caught.

import { closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { linter, lintGutter, lintKeymap, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState } from '@codemirror/state'
import { EditorView, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import type { TextProblem } from '../client/configuration.ts'
import { schemaOffers } from './offers.ts'
import type { Schema } from './schema-place.ts'
import { editorLook } from './theme.ts'

const CHECK_AFTER_MS = 500

/** What the page may do with the editor. */
export interface EditorHandle {
  /** Puts the cursor there; both count from 1. */
  jumpTo(line: number, column: number): void
  /** Replaces the whole text; can be undone. */
  replace(text: string): void
}

interface YamlEditorProps {
  /** At the start; later changes go through the handle. */
  readonly text: string
  readonly label: string
  readonly onChange: (text: string) => void
  /** Everything that is wrong in the text; asked a moment after the last key. */
  readonly check: (text: string) => Promise<readonly TextProblem[]>
  readonly schema: Schema | null
  readonly onReady: (handle: EditorHandle) => void
}

export function YamlEditor(props: YamlEditorProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null)
  const current = useRef(props)
  current.current = props
  useEffect(() => {
    const host = root.current!
    const shadow = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
    const view = new EditorView({
      parent: shadow,
      root: shadow,
      state: EditorState.create({ doc: current.current.text, extensions: extensions(() => current.current) }),
    })
    current.current.onReady(handleOf(view))
    return () => view.destroy()
  }, [])
  return <div class="yaml-editor" ref={root} />
}

function extensions(props: () => YamlEditorProps) {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    history(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightSelectionMatches(),
    yaml(),
    EditorState.tabSize.of(2),
    EditorView.contentAttributes.of({ 'aria-label': props().label, spellcheck: 'false', tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) props().onChange(update.state.doc.toString())
    }),
    schemaOffers(() => props().schema),
    lintGutter(),
    linter(async (view) => diagnostics(view.state, await props().check(view.state.doc.toString())), {
      delay: CHECK_AFTER_MS,
    }),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
    editorLook,
  ]
}

function diagnostics(state: EditorState, problems: readonly TextProblem[]): Diagnostic[] {
  return problems.map(({ line, column, message }) => {
    const from = offsetOf(state, line, column)
    const word = /^[^\s,}\]]+/.exec(state.doc.lineAt(from).text.slice(from - state.doc.lineAt(from).from))
    return { from, to: from + (word?.[0].length ?? 0), severity: 'error', message }
  })
}

function offsetOf(state: EditorState, line: number, column: number): number {
  const there = state.doc.line(Math.min(Math.max(1, line), state.doc.lines))
  return Math.min(there.from + Math.max(0, column - 1), there.to)
}

function handleOf(view: EditorView): EditorHandle {
  return {
    jumpTo: (line, column) => {
      const at = offsetOf(view.state, line, column)
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) })
      view.focus()
    },
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  }
}
