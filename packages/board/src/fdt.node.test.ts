import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cells, writeFdt } from './fdt.ts'
import { fdtCells, fdtNode, fdtStrings, readFdt } from './fdt-reader.ts'

const DTC = '/usr/bin/dtc'

describe.skipIf(!existsSync(DTC))('the device tree compiler agrees', () => {
  test('it reads our blob', () => {
    const blob = writeFdt({
      name: '',
      properties: { compatible: ['one', 'two'], '#size-cells': cells(1) },
      children: [
        { name: 'intc', label: 'intc', properties: { 'interrupt-controller': true } },
        {
          name: 'user',
          properties: { 'interrupt-parent': cells({ phandleOf: 'intc' }), seed: Uint8Array.of(1, 2, 3) },
        },
      ],
    })
    const source = execFileSync(DTC, ['-q', '-I', 'dtb', '-O', 'dts', '-'], { input: blob })
      .toString()
      .replaceAll('\\0', '", "')
    expect(source.replaceAll(/\s+/g, ' ').trim()).toBe(
      '/dts-v1/; / { compatible = "one", "two"; #size-cells = <0x01>; intc { interrupt-controller; phandle = <0x01>; }; ' +
        'user { interrupt-parent = <0x01>; seed = [01 02 03]; }; };',
    )
  })

  test('we read its blob', () => {
    const source = '/dts-v1/; / { model = "x"; a { b@1 { reg = <1 2>; }; }; };'
    const tree = readFdt(execFileSync(DTC, ['-q', '-I', 'dts', '-O', 'dtb', '-'], { input: source }))
    expect(fdtStrings(tree, 'model')).toEqual(['x'])
    expect(fdtCells(fdtNode(tree, '/a/b@1'), 'reg')).toEqual([1, 2])
  })
})
