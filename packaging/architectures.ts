// The machines that packages are made for, as Debian and as Node.js call them.

export interface Architecture {
  readonly debian: 'amd64' | 'arm64'
  readonly node: 'x64' | 'arm64'
}

export const ARCHITECTURES: readonly Architecture[] = [
  { debian: 'amd64', node: 'x64' },
  { debian: 'arm64', node: 'arm64' },
]

/** Throws when there is none of this name. */
export function architectureNamed(name: string): Architecture {
  const found = ARCHITECTURES.find(({ debian }) => debian === name)
  if (found === undefined) throw new Error(`There is no package for "${name}": only for amd64 and arm64`)
  return found
}
