import { describe, expect, it } from 'vitest'
import { SeasonalProfile } from '#checks/anomaly/seasonal-profile.ts'

const DAY = 86_400_000
const HOUR = 3_600_000

describe('seasonal profile', () => {
  it('expects nothing of a slot until it has been left once', () => {
    const profile = new SeasonalProfile(DAY, 24, 0.1)
    expect(profile.expect(0)).toBeNaN()
    profile.learn(4)
    expect(profile.expect(HOUR - 1)).toBeNaN()
    profile.learn(6)
    expect(profile.expect(HOUR)).toBeNaN()
    expect(profile.expect(DAY)).toBe(5)
  })

  it('weighs a visit as one, however many readings it had', () => {
    const profile = new SeasonalProfile(DAY, 24, 0.1)
    for (let at = 0; at < 1000; at++) {
      profile.expect(at)
      profile.learn(1)
    }
    profile.expect(HOUR)
    profile.expect(DAY)
    profile.learn(3)
    profile.expect(DAY + HOUR)
    expect(profile.expect(2 * DAY)).toBe(2)
  })

  it('gives the newest visit its least weight in the end', () => {
    const profile = new SeasonalProfile(DAY, 24, 0.25)
    for (let day = 0; day < 50; day++) {
      profile.expect(day * DAY)
      profile.learn(day < 49 ? 0 : 8)
      profile.expect(day * DAY + HOUR)
    }
    expect(profile.expect(50 * DAY)).toBe(2)
  })

  it('has a slot for every time, also before 1970 and with fractions', () => {
    const profile = new SeasonalProfile(7 * DAY, 168, 0.3)
    for (const time of [-1, -DAY * 1000.3, 0.5, 8.64e15, -8.64e15, 7 * DAY - 1e-9]) {
      profile.expect(time)
      profile.learn(1)
    }
    expect(profile.expect(-1)).toBe(1)
  })
})
