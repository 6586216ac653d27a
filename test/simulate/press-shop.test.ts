import { createConnection } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { seededRandom } from '#kit/random.ts'
import { planFaults } from '#simulate/fault-plan.ts'
import { answerPdu } from '#simulate/modbus-functions.ts'
import { PressShop } from '#simulate/press-shop.ts'
import { RegisterBank } from '#simulate/register-bank.ts'

let shop: PressShop | null = null
afterEach(async () => {
  await shop?.stop()
  shop = null
})

/** Sends one request frame and gives the first answer frame; written by hand from the specification. */
async function ask(port: number, hex: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1')
  socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString('hex')
}

describe('the simulated Modbus unit', () => {
  it('answers the examples of the specification', () => {
    const bank = new RegisterBank()
    bank.setHolding(107, 0x022b)
    bank.setHolding(108, 0x0000)
    bank.setHolding(109, 0x0064)
    const answer = (hex: string): string => answerPdu(bank, Buffer.from(hex, 'hex')).toString('hex')
    expect(answer('03006b0003')).toBe('0306022b00000064') // V1.1b3 §6.3
    expect(answer('0500acff00')).toBe('0500acff00') // §6.5
    expect(bank.coils[0xac]).toBe(1)
    expect(answer('0f0013000a02cd01')).toBe('0f0013000a') // §6.11
    expect([...bank.coils.subarray(19, 29)]).toEqual([1, 0, 1, 1, 0, 0, 1, 1, 1, 0])
    bank.setHolding(4, 0x12)
    answer('16000400f20025') // §6.16
    expect(bank.getHolding(4)).toBe(0x17)
  })

  it('answers exceptions to what it cannot serve', () => {
    const answer = (hex: string): string => answerPdu(new RegisterBank(), Buffer.from(hex, 'hex')).toString('hex')
    expect(answer('6500000001')).toBe('e501')
    expect(answer('03ffff0002')).toBe('8302')
    expect(answer('030000007e')).toBe('8303')
    expect(answer('03')).toBe('8303')
  })
})

describe('the press shop', () => {
  it('serves its machines over Modbus TCP', async () => {
    shop = new PressShop({ clock: new ManualClock(), seed: 1 })
    const endpoints = await shop.start()
    expect(endpoints.map(({ machine }) => machine.device)).toEqual([
      'press-1',
      'press-2',
      'press-3',
      'compressor',
      'chiller',
      'meter',
    ])
    const energy = await ask(endpoints[5]!.port, '0001 0000 0006 01 04 0008 0004')
    expect(BigInt(`0x${energy.slice(18)}`)).toBeGreaterThan(2n ** 53n)
  })

  it('overheats press 2 soon after the start and lets it cool again', async () => {
    const clock = new ManualClock()
    shop = new PressShop({ clock, seed: 1 })
    await shop.start()
    const press = shop.machines[1]!
    const oil = (): number => {
      const { input } = press.unit.bank
      const swapped = new DataView(new ArrayBuffer(4))
      swapped.setUint16(0, input.getUint16(2))
      swapped.setUint16(2, input.getUint16(0))
      return swapped.getFloat32(0)
    }
    await clock.advance(7000)
    expect(oil()).toBeLessThan(65)
    await clock.advance(15_000)
    expect(oil()).toBeGreaterThan(75)
    await clock.advance(15_000)
    expect(oil()).toBeLessThan(63)
  })

  it('plans faults that its machines know, in order of time', () => {
    shop = new PressShop({ clock: new ManualClock(), seed: 1 })
    const plan = planFaults(shop.machines, seededRandom(3))
    let last = 0
    for (let i = 0; i < 200; i++) {
      const planned = plan.next().value as { device: string; fault: string; from: number; until: number }
      const machine = shop.machines.find(({ device }) => device === planned.device)
      expect(machine?.faults).toContain(planned.fault)
      expect(planned.from).toBeGreaterThanOrEqual(last)
      expect(planned.until).toBeGreaterThan(planned.from)
      last = planned.from
    }
  })
})
