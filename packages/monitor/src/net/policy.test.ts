import { expect, test } from 'vitest'
import { ipBytes } from './ip-address.ts'
import { Egress, type NetworkPolicy, type PolicyEvent } from './policy.ts'

function setUp(policy: NetworkPolicy) {
  const events: PolicyEvent[] = []
  const egress = new Egress(policy, event => events.push(event))
  return {
    egress,
    events,
    reach: (address: string, port = 443) => egress.mayReach('tcp', ipBytes(address), port),
  }
}

test('without rules the public world is open and everything else is closed', () => {
  const { reach, egress } = setUp({})
  expect(['8.8.8.8', '2001:4860:4860::8888', '172.32.0.1'].map(address => reach(address))).toEqual([true, true, true])
  const closed = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
  ]
  const closed6 = ['::1', '::', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:10.0.0.1']
  expect([...closed, ...closed6].filter(address => reach(address))).toEqual([])
  expect(egress.mayResolve('anything.example')).toBe(true)
})

test('with allow, only what it lists is open', () => {
  const { reach, egress } = setUp({
    allow: ['example.org', '*.deb.example', '192.0.2.0/24', '198.51.100.7:8080', '10.0.0.5'],
  })
  expect([reach('192.0.2.9'), reach('198.51.100.7'), reach('198.51.100.7', 8080), reach('8.8.8.8')]).toEqual([
    true,
    false,
    true,
    false,
  ])
  expect([reach('10.0.0.5'), reach('10.0.0.6')]).toEqual([true, false])
  const names = [
    'example.org',
    'EXAMPLE.org.',
    'www.example.org',
    'a.deb.example',
    'a.b.deb.example',
    'deb.example',
    'notdeb.example',
  ]
  expect(names.filter(name => egress.mayResolve(name))).toEqual(names.slice(0, 2).concat(names.slice(3, 5)))
})

test('an address is open by name only once the name was answered with it', () => {
  const { reach, egress } = setUp({ allow: ['example.org:443'] })
  expect(reach('203.0.113.1')).toBe(false)
  egress.learn('Example.ORG', ['203.0.113.1'])
  expect([reach('203.0.113.1'), reach('203.0.113.1', 80), reach('203.0.113.2')]).toEqual([true, false, false])
})

test('a name that stands for a private address opens no way to it', () => {
  const { reach, egress } = setUp({ allow: ['evil.example'] })
  egress.learn('evil.example', ['127.0.0.1', '10.0.0.1', '::1'])
  expect(['127.0.0.1', '10.0.0.1', '::1'].filter(address => reach(address))).toEqual([])
})

test('deny wins, by address and by name', () => {
  const { reach, egress } = setUp({
    allow: ['192.0.2.0/24', '*.example.org'],
    deny: ['192.0.2.66', 'bad.example.org', '0.0.0.0/0:25'],
  })
  expect([reach('192.0.2.1'), reach('192.0.2.66'), reach('192.0.2.1', 25)]).toEqual([true, false, false])
  expect([egress.mayResolve('ok.example.org'), egress.mayResolve('bad.example.org')]).toEqual([true, false])
  egress.learn('bad.example.org', ['203.0.113.1'])
  egress.learn('ok.example.org', ['203.0.113.1'])
  expect(reach('203.0.113.1')).toBe(false)
})

test('every decision is reported with its rule', () => {
  const { reach, egress, events } = setUp({ allow: ['[2001:db8::/32]:443'], deny: ['example.org'] })
  reach('2001:db8::5')
  reach('2001:db8::5', 80)
  egress.mayResolve('example.org')
  expect(events).toEqual([
    { kind: 'tcp', target: '[2001:db8::5]:443', allowed: true, rule: 'allow [2001:db8::/32]:443' },
    { kind: 'tcp', target: '[2001:db8::5]:80', allowed: false, rule: 'not in allow' },
    { kind: 'dns', target: 'example.org', allowed: false, rule: 'deny example.org' },
  ])
})

test.each([
  '',
  '*',
  '*.',
  '1.2.3',
  '1.2.3.4/33',
  'a b',
  'http://example.org',
  'example.org:0',
  'example.org:70000',
  '[::1',
  '[x]:1',
  '-a.example',
])('%o is no rule', text => {
  expect(() => setUp({ allow: [text] })).toThrow(expect.objectContaining({ code: 'net.policy' }))
})
