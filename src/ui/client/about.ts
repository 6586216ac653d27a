// What the gateway says of the machine and the program that it is, beside what every page needs.

import { Fields } from './fields.ts'
import { ApiError, type HttpClient } from './http.ts'

export interface About {
  readonly isClockTrusted: boolean
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null
  readonly runtime: {
    readonly node: string
    readonly platform: string
    readonly architecture: string
    readonly license: string
  }
  /** Damaged database file that was set aside at this start. */
  readonly quarantined: string | null
}

export interface Licence {
  readonly name: string
  readonly version: string
  readonly license: string
}

export async function readAbout(http: HttpClient): Promise<About> {
  const f = new Fields(await http.request('/gateway'), 'gateway')
  const disk = f.objectOrNull('disk')
  const runtime = f.object('runtime')
  return {
    isClockTrusted: f.object('clock').flag('isTrusted'),
    disk: disk === null ? null : { freeBytes: disk.number('freeBytes'), totalBytes: disk.number('totalBytes') },
    runtime: {
      node: runtime.text('node'),
      platform: runtime.text('platform'),
      architecture: runtime.text('architecture'),
      license: runtime.text('license'),
    },
    quarantined: f.object('store').textOrNull('quarantined'),
  }
}

/** Of every package that is part of the gateway, by name; null: this gateway does not tell them. */
export async function readLicences(http: HttpClient): Promise<readonly Licence[] | null> {
  try {
    return new Fields(await http.request('/licences'), 'licences').list('items', (item) => {
      const f = new Fields(item, 'licence')
      return { name: f.text('name'), version: f.text('version'), license: f.text('license') }
    })
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 404) return null
    throw cause
  }
}
