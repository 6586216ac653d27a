import { describe, expect, it } from 'vitest'
import { gatewayPath, parseCentralRoute } from '../../../src/ui/central/route.ts'
import { machinePath, sensorPath } from '../../../src/ui/state/route.ts'

describe('addresses of central', () => {
  it('lead to their pages', () => {
    expect(['/', '/login', '/machines', '/people', '/nothing'].map((path) => parseCentralRoute(path).page)).toEqual([
      'fleet',
      'fleet',
      'machines',
      'people',
      'notFound',
    ])
  })

  it('of one thing are those that links have', () => {
    expect(parseCentralRoute(gatewayPath('edge-01'))).toEqual({ page: 'gateway', id: 'edge-01' })
    expect(parseCentralRoute(machinePath('press-1'))).toEqual({ page: 'machine', id: 'press-1' })
    for (const id of ['press-1.oil-temperature', 'edge-01.press-1.oil'])
      expect(parseCentralRoute(sensorPath(id))).toEqual({ page: 'sensor', id })
    expect(parseCentralRoute('/sensors/a%2Fb').page).toBe('notFound')
  })
})
