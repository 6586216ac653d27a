import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { installedLicences } from '#gateway/licences.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'

async function packageAt(folder: string, manifest: object): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
}

describe('the licences of an installation', () => {
  it('are those of its production packages, theirs included, and none of the tools that it was made with', async () => {
    const found = await installedLicences(null)
    const names = new Set(found.map(({ name }) => name))
    const { dependencies, devDependencies } = JSON.parse(readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8'))
    for (const name of Object.keys(dependencies)) expect(names).toContain(name)
    for (const name of ['vitest', 'oxlint', 'fast-check', 'typescript']) {
      expect(devDependencies).toHaveProperty(name)
      expect(names).not.toContain(name)
    }
    expect(found).toContainEqual({ name: 'fastify', version: expect.stringMatching(/^5\./), license: 'MIT' })
    // One that nothing of ours names: a package of a package.
    expect(names).toContain('avvio')
    // It says it in its README alone.
    expect(found.filter(({ license }) => license === 'not stated').map(({ name }) => name)).toEqual(['precond'])
  })

  it('take nested versions, old ways of writing a licence, and what the dashboard was built from', async () => {
    const root = await mkdtemp(join(tmpdir(), 'telemetryx-licences-'))
    onTestFinished(() => rm(root, { recursive: true, force: true }))
    await packageAt(root, { name: 'root', dependencies: { a: '1', absent: '1' } })
    await packageAt(join(root, 'node_modules/a'), {
      name: 'a',
      version: '1.0.0',
      license: { type: 'ISC' },
      dependencies: { b: '2' },
    })
    await packageAt(join(root, 'node_modules/a/node_modules/b'), {
      name: 'b',
      version: '2.0.0',
      licenses: [{ type: 'MIT' }, { type: 'X11' }],
      dependencies: { a: '1' },
    })
    await packageAt(join(root, 'node_modules/b'), { name: 'b', version: '1.0.0', license: 'MIT' })
    await mkdir(join(root, 'ui'))
    await writeFile(
      join(root, 'ui/licences.json'),
      JSON.stringify([{ name: 'c', version: '3.0.0', license: 'BSD-3-Clause' }]),
    )
    const found = await installedLicences(join(root, 'ui'), root)
    expect(found.filter(({ name }) => name.length === 1)).toEqual([
      { name: 'a', version: '1.0.0', license: 'ISC' },
      { name: 'b', version: '2.0.0', license: 'MIT OR X11' },
      { name: 'c', version: '3.0.0', license: 'BSD-3-Clause' },
    ])
  })
})
