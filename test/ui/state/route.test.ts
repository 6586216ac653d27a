import { describe, expect, it } from 'vitest'
import { machinePath, parseRoute, sensorPath } from '../../../src/ui/state/route.ts'

describe('addresses', () => {
  it('leads to a page, with or without a slash at the end', () => {
    expect(parseRoute('/')).toEqual({ page: 'overview' })
    expect(parseRoute('/alarms/')).toEqual({ page: 'alarms' })
    expect(parseRoute('/machines/press-1')).toEqual({ page: 'machine', id: 'press-1' })
  })

  it('leads back to the id that it was made from', () => {
    for (const id of ['press-1.oil-temperature', 'ä/b?c#d%']) {
      expect(parseRoute(sensorPath(id))).toEqual({ page: 'sensor', id })
      expect(parseRoute(machinePath(id))).toEqual({ page: 'machine', id })
    }
  })

  it.each(['/nothing', '/machines', '/machines/a/b', '/sensors/%E0%A4%A'])('has no page for %s', (path) => {
    expect(parseRoute(path)).toEqual({ page: 'notFound' })
  })
})
