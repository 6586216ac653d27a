// What people keep beside a machine or a sensor: its names, tags and metadata, shown and changed.

import { useId, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { useWork } from '../pages/use-work.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { Facts } from '../parts/table.tsx'
import { changeOf, type EditedText } from './label-change.ts'
import type { Labels } from './model-api.ts'
import { useMay } from './shell.tsx'

interface LabelsCardProps {
  /** What it is called: `Press 1`. */
  readonly name: string
  readonly labels: Labels
  /** Texts that can be changed with them. */
  readonly texts: readonly EditedText[]
  readonly onSave: (change: object) => Promise<void>
  readonly onChanged: () => void
}

export function LabelsCard(props: LabelsCardProps): JSX.Element {
  const { labels, name, onChanged } = props
  const mayChange = useMay('engineer')
  const [isOpen, setOpen] = useState(false)
  const kept = Object.entries(labels.metadata)
  const close = (): void => {
    setOpen(false)
    onChanged()
  }
  return (
    <Card
      title="Tags and metadata"
      aside={
        mayChange && (
          <Button icon="edit" label={`Change ${name}`} onClick={() => setOpen(true)}>
            Change
          </Button>
        )
      }
    >
      {labels.tags.length === 0 && kept.length === 0 ? (
        <p class="quiet">
          {mayChange
            ? 'None yet. Tags are words to find it by; metadata is whatever you want to keep beside it.'
            : 'None yet. An engineer can add some.'}
        </p>
      ) : (
        <Facts
          facts={[
            { term: 'Tags', value: labels.tags.length === 0 ? '–' : <TagList tags={labels.tags} /> },
            ...kept.map(([key, value]) => ({
              term: key,
              value: typeof value === 'string' ? value : <code class="bytes">{JSON.stringify(value)}</code>,
            })),
          ]}
        />
      )}
      {isOpen && <LabelsDialog {...props} onClose={close} />}
    </Card>
  )
}

export function TagList({ tags }: { readonly tags: readonly string[] }): JSX.Element {
  return (
    <span class="tag-list">
      {tags.map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
    </span>
  )
}

function LabelsDialog({
  name,
  labels,
  texts,
  onSave,
  onClose,
}: LabelsCardProps & { readonly onClose: () => void }): JSX.Element {
  const area = useId()
  // As they were when the dialog was opened, with the revision that a change is meant for: the page goes on asking behind it.
  const [before] = useState({ texts, labels, onSave })
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(texts.map(({ key, value }) => [key, value])),
  )
  const [tags, setTags] = useState(labels.tags.join(', '))
  const [metadata, setMetadata] = useState(() => JSON.stringify(labels.metadata, null, 2))
  const { isBusy, error, run } = useWork(() => before.onSave(changeOf(before, { values, tags, metadata })), onClose)
  return (
    <Dialog title={`Change ${name}`} action="Save" onAction={run} onClose={onClose} isBusy={isBusy} error={error}>
      {before.texts.map(({ key, label, hint, maxLength }) => (
        <Field
          key={key}
          label={label}
          value={values[key] ?? ''}
          onInput={(value) => setValues({ ...values, [key]: value })}
          maxLength={maxLength}
          {...(hint !== undefined && { hint })}
        />
      ))}
      <Field label="Tags" value={tags} onInput={setTags} hint="With commas between them." />
      <div class="field">
        <label for={area}>Metadata</label>
        <textarea
          id={area}
          class="code-area"
          rows={6}
          spellcheck={false}
          autocomplete="off"
          value={metadata}
          onInput={(event) => setMetadata(event.currentTarget.value)}
          aria-describedby={`${area}-hint`}
        />
        <p class="hint" id={`${area}-hint`}>
          A JSON object, for example {'{ "building": "B2" }'}
        </p>
      </div>
    </Dialog>
  )
}
