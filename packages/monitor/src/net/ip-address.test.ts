import { expect, test } from 'vitest'
import { inBlock, ipBytes, ipText, parseBlock, parseIp, unmapped } from './ip-address.ts'

test.each([
  ['10.0.2.15', '10.0.2.15'],
  ['::', '::'],
  ['::1', '::1'],
  ['FE80::1', 'fe80::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0db8:0000:0001:0001:0001:0001:0001', '2001:db8:0:1:1:1:1:1'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['64:ff9b::', '64:ff9b::'],
])('%s is written %s', (text, canonical) => {
  expect(ipText(ipBytes(text))).toBe(canonical)
})

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.0.0.1',
  '01.2.3.4',
  '1.2.3.-4',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '12345::',
  '1:2:3:4:5:6:7:8:9',
  '::g',
  '1.2.3.4::',
  '::1.2.3',
  'example.org',
  '1:2:3:4:5:6:7::8',
])('%o is no address', text => {
  expect(parseIp(text)).toBeUndefined()
  expect(() => ipBytes(text)).toThrow(expect.objectContaining({ code: 'net.address' }))
})

test('a block holds the addresses that share its prefix', () => {
  const holds = (block: string, address: string): boolean => {
    const parsed = parseBlock(block)
    return parsed !== undefined && inBlock(ipBytes(address), parsed)
  }
  expect(holds('10.0.0.0/8', '10.255.1.2')).toBe(true)
  expect(holds('10.0.0.0/8', '11.0.0.0')).toBe(false)
  expect(holds('172.16.0.0/12', '172.31.255.255')).toBe(true)
  expect(holds('172.16.0.0/12', '172.32.0.0')).toBe(false)
  expect(holds('0.0.0.0/0', '8.8.8.8')).toBe(true)
  expect(holds('0.0.0.0/0', '::1')).toBe(false)
  expect(holds('fc00::/7', 'fd12::1')).toBe(true)
  expect(holds('192.0.2.7', '192.0.2.7')).toBe(true)
  expect(holds('192.0.2.7', '192.0.2.8')).toBe(false)
})

test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/a', '::/129', 'x/8', '10.0.0.0/8/8'])('%o is no block', text => {
  expect(parseBlock(text)).toBeUndefined()
})

test('an IPv4 address in IPv6 dress is the IPv4 address', () => {
  expect(ipText(unmapped(ipBytes('::ffff:127.0.0.1')))).toBe('127.0.0.1')
  expect(ipText(unmapped(ipBytes('::1')))).toBe('::1')
})
