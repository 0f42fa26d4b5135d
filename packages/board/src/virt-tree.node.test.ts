import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MIB } from '@doppel/base'
import { describe, expect, test } from 'vitest'
import { writeFdt } from './fdt.ts'
import { type FdtTree, fdtCells, fdtNode, fdtStrings, readFdt } from './fdt-reader.ts'
import { virtTree } from './virt-tree.ts'

const QEMU = '/usr/bin/qemu-system-riscv64'
const DTC = '/usr/bin/dtc'

const blob = writeFdt(
  virtTree({
    harts: 2,
    memoryBytes: 256 * MIB,
    isa: {
      isa: 'rv64imafdc_zicsr_zifencei_zicboz',
      base: 'rv64i',
      extensions: ['i', 'm', 'a', 'f', 'd', 'c', 'zicsr', 'zifencei', 'zicboz'],
      mmuType: 'riscv,sv57',
      cacheBlockBytes: 64,
    },
    bootArguments: 'console=ttyS0',
    initrd: { base: 0x8800_0000, lengthBytes: 0x1234 },
    rngSeed: new Uint8Array(32).fill(7),
  }),
)

/** QEMU's tree for the same machine, from a run that only dumps it. */
function qemuTree(): FdtTree {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-tree-'))
  try {
    const [dump, kernel] = [join(folder, 'virt.dtb'), join(folder, 'kernel')]
    writeFileSync(kernel, new Uint8Array(64))
    const options = ['-smp', '2', '-m', '256', '-bios', 'none', '-display', 'none', '-kernel', kernel]
    execFileSync(QEMU, ['-M', `virt,dumpdtb=${dump}`, ...options, '-append', 'console=ttyS0'], { stdio: 'ignore' })
    return readFdt(new Uint8Array(readFileSync(dump)))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Cells with each phandle replaced by the path of its node, so that numberings need not agree. */
function resolved(tree: FdtTree, path: string, property: string): (number | string)[] {
  const byPhandle = new Map<number, string>()
  const visit = (node: FdtTree, at: string): void => {
    const [phandle] = fdtCells(node, 'phandle')
    if (phandle !== undefined) byPhandle.set(phandle, at)
    for (const [name, child] of node.children) visit(child, `${at}/${name}`)
  }
  visit(tree, '')
  const references = REFERENCE_AT[property]
  return fdtCells(fdtNode(tree, path), property).map((cell, i) =>
    references?.(i) ? (byPhandle.get(cell) ?? `dangling ${cell}`) : cell,
  )
}

/** Which cells of a property are phandles. */
const REFERENCE_AT: Readonly<Record<string, (i: number) => boolean>> = {
  'interrupt-parent': () => true,
  regmap: () => true,
  cpu: () => true,
  'interrupts-extended': i => i % 2 === 0,
  'interrupt-map': i => i % 6 === 4,
}

describe.skipIf(!existsSync(QEMU))('QEMU’s virt board has the same tree', () => {
  const theirs = qemuTree()
  const ours = readFdt(blob)
  const slots = Array.from({ length: 8 }, (_, i) => `/soc/virtio_mmio@1000${i + 1}000`)
  const devices = ['rtc@101000', 'serial@10000000', 'test@100000', 'pci@30000000', 'plic@c000000', 'clint@2000000']
  const soc = devices.map(name => `/soc/${name}`)
  const cpus = ['/cpus/cpu@0', '/cpus/cpu@1', '/cpus/cpu@0/interrupt-controller', '/cpus/cpu-map/cluster0/core1']
  const others = ['', '/cpus', '/memory@80000000', '/poweroff', '/reboot', '/soc']

  test.each([...others, ...cpus, ...soc, ...slots])('node %s', path => {
    const [mine, his] = [fdtNode(ours, path), fdtNode(theirs, path)]
    expect(mine).toBeDefined()
    expect(his).toBeDefined()
    // A machine's own: its name, its instruction set and translation modes, its numbering of nodes.
    const own = ['model', 'riscv,isa', 'mmu-type', 'phandle', 'linux,phandle']
    for (const name of his?.properties.keys() ?? []) {
      if (own.includes(name)) continue
      if (name === 'compatible') expect(fdtStrings(mine, name)).toEqual(fdtStrings(his, name))
      else {
        const cells = [...resolved(theirs, path, name)]
        // QEMU's 64-bit window is not prefetchable, and Linux warns of it; ours is.
        if (path === '/soc/pci@30000000' && name === 'ranges') cells[14] = (cells[14] as number) | 0x4000_0000
        expect({ name, cells: resolved(ours, path, name) }).toEqual({ name, cells })
      }
    }
  })

  test('console and command line are chosen alike', () => {
    for (const property of ['bootargs', 'stdout-path']) {
      expect(fdtStrings(fdtNode(ours, '/chosen'), property)).toEqual(fdtStrings(fdtNode(theirs, '/chosen'), property))
    }
  })
})

describe.skipIf(!existsSync(DTC))('the device tree compiler', () => {
  test('finds nothing to warn of', () => {
    const result = execFileSync('/bin/sh', ['-c', `${DTC} -I dtb -O dtb -o /dev/null - 2>&1`], { input: blob })
    expect(result.toString()).toBe('')
  })
})

test('the initial RAM disk and the block size are told', () => {
  const tree = readFdt(blob)
  expect(fdtCells(fdtNode(tree, '/chosen'), 'linux,initrd-end')).toEqual([0, 0x8800_1234])
  expect(fdtCells(fdtNode(tree, '/cpus/cpu@1'), 'riscv,cboz-block-size')).toEqual([64])
  expect(fdtStrings(fdtNode(tree, '/cpus/cpu@1'), 'riscv,isa-extensions')).toContain('zicboz')
})
