import {
  type CharPort,
  decodeSaved,
  encodeSaved,
  FlatMemory,
  MIB,
  type RiscvCpuConfig,
  type Saved,
  seededEntropy,
  utf8Bytes,
  utf8Text,
  VirtualClock,
} from '@doppel/base'
import { virtioRng } from '@doppel/devices'
import { describe, expect, test } from 'vitest'
import { StateHart, stateCpu } from '../test/state-hart.ts'
import { fdtCells, fdtNode, fdtStrings, readFdt } from './fdt-reader.ts'
import { VIRT } from './memory-map.ts'
import type { MachineEnd } from './machine-end.ts'
import { VirtMachine } from './virt.ts'
import type { VirtBoot, VirtMachineConfig } from './virt-config.ts'

const ISA = { isa: 'rv64imac', base: 'rv64i', extensions: ['i', 'm', 'a', 'c'], mmuType: 'riscv,sv39' }
const KERNEL = { kernel: { name: 'kernel', bytes: Uint8Array.of(0x73, 0, 0, 0) } }
const FIRMWARE = { firmware: { name: 'fw', bytes: Uint8Array.of(0x13, 0, 0, 0) } }

/** What a scripted hart may do in one instruction. */
type Script = (hart: StateHart, cpu: RiscvCpuConfig, memory: FlatMemory) => 'wfi' | undefined

/** A board whose harts run `script`; the rest of the machine is real. */
function machine(boot: VirtBoot, script: Script, more: Partial<VirtMachineConfig> = {}) {
  let printed = ''
  let type: (bytes: Uint8Array) => void = () => undefined
  const port: CharPort = {
    write: bytes => void (printed += utf8Text(bytes)),
    onInput: receive => void (type = receive),
  }
  const harts: StateHart[] = []
  const vm = new VirtMachine({
    cpus: 2,
    memoryBytes: 16 * MIB,
    isa: ISA,
    clock: new VirtualClock(),
    entropy: seededEntropy(1n),
    console: port,
    boot,
    sliceInstructions: 100,
    createCpu: config => {
      const memory = new FlatMemory(config.ramBase, config.ramBytes)
      for (let id = 0; id < config.harts; id++) {
        harts.push(new StateHart(id, config.time, hart => script(hart, config, memory)))
      }
      return stateCpu(config, memory, harts)
    },
    ...more,
  })
  return { vm, harts, printed: () => printed, type: (text: string) => type(utf8Bytes(text)) }
}

/** One ecall from S-mode. */
function ecall(
  hart: StateHart,
  cpu: RiscvCpuConfig,
  extension: bigint,
  functionId: bigint,
  ...args: bigint[]
): undefined {
  for (const [i, value] of args.entries()) hart.setX(10 + i, value)
  hart.setX(16, functionId)
  hart.setX(17, extension)
  cpu.environmentCall?.(hart)
  return undefined
}

const finish =
  (value: bigint): Script =>
  (_hart, cpu) => {
    cpu.bus.write(VIRT.finisher.base, 4, value)
    return undefined
  }

describe('how a machine ends', () => {
  test.each<[string, Script, MachineEnd]>([
    ['the finisher’s pass', finish(0x5555n), { kind: 'poweroff' }],
    ['the finisher’s failure', finish(0x2a_3333n), { kind: 'failure', code: 42 }],
    ['the finisher’s reset', finish(0x7777n), { kind: 'reset' }],
    ['SBI shutdown', (hart, cpu) => ecall(hart, cpu, 0x5352_5354n, 0n, 0n, 0n), { kind: 'poweroff' }],
    [
      'SBI shutdown for a failure',
      (hart, cpu) => ecall(hart, cpu, 0x5352_5354n, 0n, 0n, 1n),
      { kind: 'failure', code: 1 },
    ],
    ['SBI reboot', (hart, cpu) => ecall(hart, cpu, 0x5352_5354n, 0n, 1n, 0n), { kind: 'reset' }],
    ['the last hart stopping', (hart, cpu) => ecall(hart, cpu, 0x48_534dn, 1n), { kind: 'halted' }],
  ])('%s', async (_, script, end) => expect(await machine(KERNEL, script).vm.run()).toEqual(end))

  test('the host stops a machine that waits for ever', async () => {
    const { vm } = machine(KERNEL, () => 'wfi')
    const end = vm.run()
    vm.stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })
})

describe('a machine that is saved', () => {
  /** Counts in x5 and in memory, and says every tenth. */
  const counter: Script = (hart, cpu, memory) => {
    hart.setX(5, hart.x(5) + 1n)
    memory.write(COUNT_AT, Uint8Array.of(Number(hart.x(5) & 0xffn)))
    return hart.x(5) % 10n === 0n ? ecall(hart, cpu, 0x4442_434en, 2n, 0x30n + ((hart.x(5) / 10n) % 10n)) : undefined
  }
  const COUNT_AT = VIRT.ram.base + 0x10_0000

  test('goes on in another, from registers, memory and devices as they were', async () => {
    const first = machine(KERNEL, counter)
    const ended = first.vm.run()
    await first.vm.pause()
    const counted = first.harts[0]?.x(5) ?? 0n
    const saved = decodeSaved(encodeSaved(await first.vm.save()))
    const pages = new Map([...first.vm.cpu.touchedPages()].map(([page, bytes]) => [page, bytes.slice()]))
    expect(counted).toBeGreaterThan(0n)
    expect(first.harts[0]?.x(5)).toBe(counted)
    first.vm.resume()
    first.vm.stop()
    await ended

    const boot = { restored: saved, page: (page: number, into: Uint8Array) => into.set(pages.get(page) ?? []) }
    const second = machine(boot, (hart, cpu, memory) => {
      const count = new Uint8Array(1)
      memory.read(COUNT_AT, count)
      // Memory and registers are of the same moment.
      expect(BigInt(count[0] as number)).toBe(hart.x(5) & 0xffn)
      return hart.x(5) < counted + 40n ? counter(hart, cpu, memory) : finish(0x5555n)(hart, cpu, memory)
    })
    expect(second.harts.map(hart => hart.running)).toEqual([true, false])
    expect(await second.vm.run()).toEqual({ kind: 'poweroff' })
    expect(second.harts[0]?.x(5)).toBe(counted + 40n)
    expect(second.printed().length).toBe(4)
  })

  test('is refused where it does not fit, or comes from a newer version', async () => {
    const { vm } = machine(KERNEL, counter)
    const saved = (await vm.save()) as Readonly<Record<string, Saved>>
    const page = (): void => undefined
    const restore = (restored: Saved, more = {}): VirtMachine => machine({ restored, page }, counter, more).vm
    expect(() => restore(saved, { cpus: 1 })).toThrow('the snapshot has 2 harts')
    expect(() => restore(saved, { virtio: [virtioRng({ entropy: seededEntropy(1n) })] })).toThrow('virtio-rng')
    expect(() => restore({ ...saved, version: 2 })).toThrow('has version 2, this doppel reads 1')
    expect(() => restore({ some: 'thing' })).toThrow('not the state of a virt machine')
    await expect(machine(FIRMWARE, counter).vm.save()).rejects.toThrow('built-in SBI')
  })
})

describe('how a machine begins', () => {
  test('a kernel: one hart in S-mode, with the tree at the top of memory', () => {
    const { vm, harts } = machine({ ...KERNEL, append: 'quiet' }, () => 'wfi')
    const [boot, other] = harts
    expect([boot?.running, boot?.privilege, boot?.pc, boot?.x(10)]).toEqual([true, 1, 0x8020_0000n, 0n])
    expect(other?.running).toBe(false)
    const blob = new Uint8Array(vm.deviceTree.length)
    vm.cpu.memory.read(Number(boot?.x(11)), blob)
    expect(fdtStrings(fdtNode(readFdt(blob), '/chosen'), 'bootargs')).toEqual(['quiet'])
  })

  test('an initial RAM disk is where the tree says', () => {
    const initrd = { name: 'initrd', bytes: utf8Bytes('070701') }
    const { vm } = machine({ ...KERNEL, initrd }, () => 'wfi')
    const [, start] = fdtCells(fdtNode(readFdt(vm.deviceTree), '/chosen'), 'linux,initrd-start')
    const found = new Uint8Array(6)
    vm.cpu.memory.read(start ?? 0, found)
    expect(utf8Text(found)).toBe('070701')
  })

  test('firmware: every hart in M-mode, a2 at the structure that names the kernel', async () => {
    const seen: bigint[] = []
    const { vm, harts } = machine({ ...FIRMWARE, ...KERNEL }, (hart, cpu) => {
      const info = Number(hart.x(12))
      for (const offset of [0, 8, 16, 24]) seen.push(cpu.bus.read(info + offset, 8) ?? -1n)
      return finish(0x5555n)(hart, cpu, new FlatMemory(0, 0))
    })
    expect(harts.map(h => [h.pc, h.privilege, h.x(10)])).toEqual([
      [0x8000_0000n, 3, 0n],
      [0x8000_0000n, 3, 1n],
    ])
    // Out of reset the page-table walk sets A and D bits, as on QEMU's board; under the built-in SBI it does not.
    expect(harts.map(h => h.readCsr('menvcfg'))).toEqual([1n << 61n, 1n << 61n])
    await vm.run()
    expect(seen.slice(0, 4)).toEqual([0x4942_534fn, 2n, 0x8020_0000n, 1n])
  })

  test.each([
    ['board.cpus', { cpus: 0 }],
    ['board.cpus', { cpus: 9 }],
    ['board.memory', { memoryBytes: 1000 }],
    ['board.memory', { memoryBytes: 16 * MIB + 1 }],
    [
      'board.slots',
      { transport: 'mmio', virtio: Array.from({ length: 9 }, () => virtioRng({ entropy: seededEntropy(1n) })) },
    ],
  ] as const)('%s', (code, more) => {
    expect(() => machine(KERNEL, () => 'wfi', more)).toThrow(expect.objectContaining({ code }))
  })
})

describe('wires', () => {
  test('a key pressed while the machine sleeps arrives as a supervisor external interrupt', async () => {
    const { vm, type, harts } = machine(KERNEL, (hart, cpu) => {
      if (hart.retired === 1n) {
        hart.csrs.set('mie', 1n << 9n)
        cpu.bus.write(VIRT.plic.base + 4 * 10, 4, 1n)
        cpu.bus.write(VIRT.plic.base + 0x2080, 4, 1n << 10n)
        cpu.bus.write(VIRT.uart.base + 1, 1, 1n)
        return 'wfi'
      }
      const claimed = cpu.bus.read(VIRT.plic.base + 0x20_1004, 4)
      const key = cpu.bus.read(VIRT.uart.base, 1)
      return claimed === 10n && key === 0x78n ? finish(0x5555n)(hart, cpu, new FlatMemory(0, 0)) : 'wfi'
    })
    const end = vm.run()
    setTimeout(() => type('x'), 5)
    expect(await end).toEqual({ kind: 'poweroff' })
    expect(harts[0]?.pending).toBe(0n)
  })

  test('virtio devices show up on PCI, or on the MMIO transport, and empty slots say so', () => {
    const virtio = [virtioRng({ entropy: seededEntropy(1n) })]
    let bus: RiscvCpuConfig['bus'] | undefined
    const look = (transport: 'pci' | 'mmio'): (bigint | undefined)[] => {
      machine(KERNEL, () => 'wfi', {
        virtio,
        transport,
        createCpu: config => {
          bus = config.bus
          const harts = [0, 1].map(id => new StateHart(id))
          return stateCpu(config, new FlatMemory(config.ramBase, config.ramBytes), harts)
        },
      })
      const { virtioMmio, pciEcam } = VIRT
      const mmio = [0, 1].map(slot => bus?.read(virtioMmio.base + slot * 0x1000 + 8, 4))
      return [...mmio, bus?.read(virtioMmio.base + 0x7000, 4), bus?.read(pciEcam.base + (1 << 15), 4)]
    }
    expect(look('mmio')).toEqual([4n, 0n, 0x7472_6976n, 0xffff_ffffn])
    expect(look('pci')).toEqual([0n, 0n, 0x7472_6976n, 0x1044_1af4n])
  })

  test('the debug console prints, and reads what was typed at the UART', async () => {
    const { vm, type, printed } = machine(KERNEL, (hart, cpu, memory) => {
      const at = 0x8010_0000n
      if (hart.retired === 1n) {
        memory.write(Number(at), utf8Bytes('hi '))
        return ecall(hart, cpu, 0x4442_434en, 0n, 3n, at, 0n)
      }
      ecall(hart, cpu, 0x4442_434en, 1n, 8n, at, 0n)
      ecall(hart, cpu, 0x4442_434en, 0n, hart.x(11), at, 0n)
      return finish(0x5555n)(hart, cpu, memory)
    })
    type('you')
    await vm.run()
    expect(printed()).toMatch(/^hi you/)
  })
})
