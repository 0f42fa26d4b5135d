import { expect, test } from 'vitest'
import { CallTree } from './call-tree.ts'
import { flameGraph } from './flame-graph.ts'

function tree(): CallTree {
  const calls = new CallTree()
  for (let i = 0; i < 6; i++) calls.add(['sh', 'main', 'work'])
  for (let i = 0; i < 3; i++) calls.add(['sh', 'main'])
  calls.add(['<evil> & "co"', '0x1000'])
  return calls
}

test('stacks are put together, and each keeps the samples that are its own', () => {
  expect([...tree().folded()].sort((a, b) => b[1] - a[1])).toEqual([
    [['sh', 'main', 'work'], 6],
    [['sh', 'main'], 3],
    [['<evil> & "co"', '0x1000'], 1],
  ])
})

test('a call is as wide as its share of the samples, and stands on its caller', () => {
  const svg = flameGraph(tree(), 'a title', 'samples')
  const boxes = [
    ...svg.matchAll(/<title>(\S+) \((\d+) samples, ([\d.]+)%\)<\/title><rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g),
  ]
  const [main, work] = ['main', 'work'].map(name => boxes.find(([, found]) => found === name)?.slice(2))
  expect(main).toEqual(['9', '90.00', '120.00', expect.any(String), '1080.00'])
  expect(work).toEqual(['6', '60.00', '120.00', String(Number(main?.[3]) - 17), '720.00'])
})

test('names are text, whatever the guest calls its programs', () => {
  const svg = flameGraph(tree(), '</svg><script>', 'samples')
  expect(svg).not.toContain('<evil>')
  expect(svg).toContain('&lt;evil&gt; &amp; &quot;co&quot; (1 samples')
  expect(svg.match(/<script>/g)).toHaveLength(1)
})

test('a picture of nothing is a picture', () => {
  expect(flameGraph(new CallTree(), 'nothing', 'samples')).toMatch(/^<\?xml[^]*<\/svg>\n$/)
})
