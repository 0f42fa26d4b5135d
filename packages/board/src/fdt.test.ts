import { DoppelError } from '@doppel/base'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cells, type FdtNode, writeFdt } from './fdt.ts'
import { fdtCells, fdtNode, fdtStrings, readFdt } from './fdt-reader.ts'

const TREE: FdtNode = {
  name: '',
  properties: { '#address-cells': cells(2), compatible: ['a,b', 'c'], model: 'm' },
  children: [
    {
      name: 'plic@c000000',
      label: 'plic',
      properties: { reg: cells(0xc00_0000n, 0x60_0000n), 'interrupt-controller': true },
    },
    {
      name: 'soc',
      properties: { 'interrupt-parent': cells({ phandleOf: 'plic' }) },
      children: [{ name: 'x', properties: {} }],
    },
  ],
}

test('what is written is read back, references resolved to phandles', () => {
  const tree = readFdt(writeFdt(TREE))
  const plic = fdtNode(tree, '/plic@c000000')
  expect(fdtStrings(tree, 'compatible')).toEqual(['a,b', 'c'])
  expect(fdtCells(plic, 'reg')).toEqual([0, 0xc00_0000, 0, 0x60_0000])
  expect(plic?.properties.get('interrupt-controller')).toEqual(new Uint8Array(0))
  expect(fdtCells(fdtNode(tree, '/soc'), 'interrupt-parent')).toEqual(fdtCells(plic, 'phandle'))
  expect(fdtNode(tree, '/soc/x')?.properties.size).toBe(0)
})

test('a node nobody refers to gets no phandle', () => {
  const tree = readFdt(writeFdt({ name: '', label: 'root', properties: {} }))
  expect(tree.properties.has('phandle')).toBe(false)
})

test.each([
  ['a reference to no label', { name: '', properties: { x: cells({ phandleOf: 'gone' }) } }],
  [
    'a label used twice',
    { name: '', properties: {}, children: ['a', 'b'].map(name => ({ name, label: 'same', properties: {} })) },
  ],
])('%s is refused', (_, tree) => {
  expect(() => writeFdt(tree)).toThrow(expect.objectContaining({ code: 'fdt.label' }))
})

test('damaged blobs fail only with coded errors', () => {
  const valid = writeFdt(TREE)
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
  fc.assert(
    fc.property(edits, fc.nat(valid.length * 4), (changes, cut) => {
      const blob = valid.slice(0, cut)
      for (const [at, value] of changes) if (at < blob.length) blob[at] = value
      try {
        readFdt(blob)
      } catch (error) {
        expect(error).toBeInstanceOf(DoppelError)
      }
    }),
    { numRuns: 2000 },
  )
})
