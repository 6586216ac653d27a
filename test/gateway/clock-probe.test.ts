import { describe, expect, it } from 'vitest'
import { SystemClockProbe, systemClockProbe } from '#gateway/clock-probe.ts'
import { isTrusted } from '#gateway/clock-watch.ts'

const EARLIEST = Date.UTC(2026, 0, 1)
const NOW = Date.UTC(2026, 5, 1)

/** `chronyc -n tracking` of chrony 4.3, before and after it has taken a source. */
const WAITING = `Reference ID    : 00000000 ()
Stratum         : 0
Ref time (UTC)  : Thu Jan 01 00:00:00 1970
System time     : 0.000000000 seconds fast of NTP time
Leap status     : Not synchronised
`
const SYNCHRONISED = `Reference ID    : C0000201 (192.0.2.1)
Stratum         : 3
Ref time (UTC)  : Mon Jun 01 08:12:40 2026
System time     : 0.000041 seconds slow of NTP time
Leap status     : Normal
`

interface Machine {
  files: Record<string, string>
  programs: Record<string, string>
  now: number
}

function probeOf(machine: Machine): { probe: SystemClockProbe; asked: string[] } {
  const asked: string[] = []
  const probe = new SystemClockProbe({
    earliestMs: EARLIEST,
    monotonic: () => machine.now,
    exists: (path) => path in machine.files,
    readText: (path) => machine.files[path] ?? null,
    run: async (program) => {
      asked.push(program)
      return machine.programs[program] ?? null
    },
  })
  return { probe, asked }
}

describe('whether the clock can be trusted', () => {
  it('is told by chrony, which leaves no file behind, once it has taken a source', async () => {
    const machine = { files: { '/run/chrony': '' }, programs: { chronyc: WAITING }, now: 0 }
    const { probe, asked } = probeOf(machine)
    expect(isTrusted(probe.read(), NOW)).toBe(false)
    await probe.settled()
    expect(isTrusted(probe.read(), NOW)).toBe(false)
    machine.programs.chronyc = SYNCHRONISED
    probe.read() // not asked each time: a program is dear
    expect(asked).toEqual(['timedatectl', 'chronyc'])
    machine.now += 5000
    probe.read()
    await probe.settled()
    expect(isTrusted(probe.read(), NOW)).toBe(true)
    machine.now += 5000
    probe.read()
    expect(asked).toHaveLength(4) // it is known now
  })

  it('is told by the kernel through timedatectl, whoever sets the clock', async () => {
    const machine = {
      files: { '/run/ntpd.pid': '' },
      programs: { timedatectl: 'no\n' } as Record<string, string>,
      now: 0,
    }
    const { probe } = probeOf(machine)
    probe.read()
    await probe.settled()
    expect(isTrusted(probe.read(), NOW)).toBe(false)
    machine.programs['timedatectl'] = 'yes\n'
    machine.now += 5000
    probe.read()
    await probe.settled()
    expect(isTrusted(probe.read(), NOW)).toBe(true)
  })

  it('is told by the file of systemd-timesyncd', () => {
    const files: Record<string, string> = { '/run/systemd/timesync': '' }
    const { probe } = probeOf({ files, programs: {}, now: 0 })
    expect(isTrusted(probe.read(), NOW)).toBe(false)
    files['/run/systemd/timesync/synchronized'] = ''
    expect(isTrusted(probe.read(), NOW)).toBe(true)
  })

  it('is not told by a battery clock without a battery', () => {
    const files: Record<string, string> = { '/run/chrony': '', '/sys/class/rtc/rtc0/since_epoch': '4711\n' }
    const { probe } = probeOf({ files, programs: {}, now: 0 })
    expect(probe.read().hasBatteryClock).toBe(false)
    files['/sys/class/rtc/rtc0/since_epoch'] = `${NOW / 1000}\n`
    expect(isTrusted(probe.read(), NOW)).toBe(true)
  })

  it("is nobody's to tell where nobody will set it: no program is run", () => {
    const { probe, asked } = probeOf({ files: {}, programs: {}, now: 0 })
    expect(isTrusted(probe.read(), NOW)).toBe(true)
    expect(asked).toEqual([])
  })

  it('can be asked of this machine', async () => {
    const probe = systemClockProbe(EARLIEST)
    probe.read()
    await probe.settled()
    expect(Object.values(probe.read()).map((known) => typeof known)).toEqual(['boolean', 'boolean', 'boolean'])
  })
})
