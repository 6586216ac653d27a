import { describe, expect, it } from 'vitest'
import { formatAge, formatDuration, formatMilliseconds } from '../../../src/ui/format/time.ts'
import {
  counted,
  displayUnit,
  listed,
  nameFromId,
  sensorName,
  statusWords,
  unparted,
} from '../../../src/ui/format/words.ts'

describe('a message', () => {
  it('does not part a number from its unit at the end of a line', () => {
    expect(unparted('Oil 72.8 °C is above 65 °C, at 3 m3/h; 12 of 14 sensors, 5 mm/s')).toBe(
      'Oil 72.8\u00a0°C is above 65\u00a0°C, at 3\u00a0m3/h; 12 of 14 sensors, 5\u00a0mm/s',
    )
  })
})

describe('words', () => {
  it('prints units as people write them, and leaves others alone', () => {
    expect([displayUnit('degC'), displayUnit('m3/h'), displayUnit('bar')]).toEqual(['°C', 'm³/h', 'bar'])
  })

  it('calls a sensor by its description, else by its id in words', () => {
    expect(sensorName({ name: 'oil-temperature', description: '' })).toBe('Oil temperature')
    expect(sensorName({ name: 'oil-temperature', description: 'Oil in the tank' })).toBe('Oil in the tank')
    expect(nameFromId('clock_step')).toBe('Clock step')
  })

  it('says the reason of a status without repeating its grade', () => {
    expect(statusWords('BadCommunicationError')).toBe('communication error')
    expect(statusWords('Good')).toBe('')
    expect(statusWords('Bad(0x80FF0000)')).toBe('Bad(0x80FF0000)')
  })

  it('counts and lists', () => {
    expect([counted(1, 'sensor'), counted(0, 'sensor'), counted(2, 'box', 'boxes')]).toEqual([
      '1 sensor',
      '0 sensors',
      '2 boxes',
    ])
    expect([listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c']), listed([])]).toEqual([
      'a',
      'a and b',
      'a, b and c',
      '',
    ])
  })
})

describe('durations', () => {
  it('has at most two units', () => {
    expect([-5, 900, 59_999, 60_000, 3_660_000, 7_200_000, 93_600_000].map(formatDuration)).toEqual([
      '0 s',
      '0 s',
      '59 s',
      '1 min',
      '1 h 1 min',
      '2 h',
      '1 d 2 h',
    ])
  })

  it('calls the last second now', () => {
    expect([formatAge(300), formatAge(4000)]).toEqual(['now', '4 s ago'])
  })

  it('keeps two digits of a measured time', () => {
    expect([0.213, 2.44, 41.2, 1234].map(formatMilliseconds)).toEqual(['0.21 ms', '2.4 ms', '41 ms', '1.2 s'])
  })
})
