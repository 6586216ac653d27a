import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterFault, matchTopic } from '#drivers/mqtt/topic-filter.ts'

const match = (filter: string, topic: string): string[] | null => matchTopic(filter.split('/'), topic.split('/'))

describe('a topic filter', () => {
  // The examples of MQTT 3.1.1 §4.7.1 and §4.7.2.
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', ['']],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', ['ranking']],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', ['score/wimbledon']],
    ['sport/#', 'sport', ['']],
    ['#', 'a/b', ['a/b']],
    ['sport/tennis/+', 'sport/tennis/player1', ['player1']],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', null],
    ['sport/+', 'sport', null],
    ['sport/+', 'sport/', ['']],
    ['+/+', '/finance', ['', 'finance']],
    ['/+', '/finance', ['finance']],
    ['+', '/finance', null],
    ['#', '$SYS/monitor/Clients', null],
    ['+/monitor/Clients', '$SYS/monitor/Clients', null],
    ['$SYS/#', '$SYS/monitor', ['monitor']],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', ['Clients']],
    ['ACCOUNTS', 'Accounts', null],
  ])('%s on %s gives %j', (filter, topic, captures) => expect(match(filter, topic)).toEqual(captures))

  it.each(['', 'a/#/b', 'sport/tennis#', 'sport+', 'a/b+/c', 'a\u0000b', '$share/group/a'])(
    'is refused as %j',
    (filter) => expect(filterFault(filter)).toEqual(expect.any(String)),
  )

  it('matches exactly the topics that its captures make', () => {
    const level = fc.stringMatching(/^[a-z$0-9]{0,4}$/)
    fc.assert(
      fc.property(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1 }), fc.array(level), (filter, fillers) => {
        let next = 0
        const topic = filter.map((part) => (part === '+' ? (fillers[next++] ?? 'x') : part)).join('/')
        fc.pre(!(filter[0] === '+' && topic.startsWith('$')))
        const captures = match(filter.join('/'), topic)
        const expected = filter.flatMap((part, index) => (part === '+' ? [topic.split('/')[index]!] : []))
        expect(captures).toEqual(expected)
      }),
    )
  })
})
