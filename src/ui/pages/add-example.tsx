// An example of the configuration goes into the draft, to be changed by hand there.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readPresent } from '../client/configuration.ts'
import { errorMessage } from '../client/http.ts'
import { insertDevice } from '../editor/insert-device.ts'
import { Button } from '../parts/button.tsx'
import { ErrorText, Select } from '../parts/field.tsx'
import { EXAMPLES } from '../set-up/examples.ts'
import { useServices } from '../state/services.ts'

export function AddExample(): JSX.Element {
  const { api, drafts, router } = useServices()
  const [key, setKey] = useState<(typeof EXAMPLES)[number]['key']>(EXAMPLES[0].key)
  const [error, setError] = useState<string | null>(null)
  const { yaml } = EXAMPLES.find((example) => example.key === key) ?? EXAMPLES[0]
  const take = async (): Promise<void> => {
    const present = await readPresent(api.http)
    const draft = drafts.configuration.peek()
    const base = draft?.base ?? { text: present.text, etag: present.etag, revision: present.revision.number }
    const inserted = insertDevice(draft?.text ?? base.text, yaml)
    if (inserted === null) throw new Error('The devices stand on one line: copy the example and put it there by hand.')
    drafts.configuration.value = { text: inserted.text, base }
    router.go('/configuration')
  }
  return (
    <>
      <Select label="Example" value={key} options={EXAMPLES} onChoose={setKey} />
      <pre class="code-block" tabIndex={0} aria-label="The example as YAML">
        {yaml}
      </pre>
      <ErrorText text={error} />
      <div class="card-foot button-row">
        <span class="quiet">Nothing is applied: you change it in the draft first.</span>
        <Button
          kind="primary"
          icon="edit"
          onClick={() => void take().catch((cause: unknown) => setError(errorMessage(cause)))}
        >
          Put it into the draft
        </Button>
      </div>
    </>
  )
}
