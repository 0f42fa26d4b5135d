import type { MachineEnd } from './machine-end.ts'
import {
  DoppelError,
  formatSize,
  MachineClock,
  type RepeatableEntropy,
  type RiscvCpu,
  type RiscvHart,
  type Saved,
  TimerQueue,
} from '@doppel/base'
import { type Aclint, Bus, type Uart16550 } from '@doppel/devices'
import { Faults } from './faults.ts'
import { writeFdt } from './fdt.ts'
import { gatherOutput } from './gathered-output.ts'
import { GuestClock } from './guest-clock.ts'
import { InstructionClock } from './instruction-clock.ts'
import { type HostTasks, hostTasks } from './host-tasks.ts'
import { HostWork } from './host-work.ts'
import { type Htif, mailbox } from './htif.ts'
import { type GuestRange, BootLoader, physicalAddress } from './load.ts'
import { MachineLoop, type MachineLoopConfig } from './machine-loop.ts'
import { DirtyPages, type Moment } from './moment.ts'
import { PauseGate } from './pause-gate.ts'
import { VIRT, VIRT_TICKS_PER_SECOND } from './memory-map.ts'
import { DYNAMIC_INFO_OFFSET, resetRom } from './reset-rom.ts'
import { debugConsole } from './sbi/debug-console.ts'
import { SbiFirmware } from './sbi/firmware.ts'
import { pendingChains, readVirtState, saveDevices, restoreDevices, virtState, type VirtState } from './saved.ts'
import { stuckTrap } from './stuck-harts.ts'
import { StateHash } from './state-hash.ts'
import { ThreadLoop } from './thread-loop.ts'
import { checkSizes, type DeterministicRun, type VirtBoot, type VirtMachineConfig } from './virt-config.ts'
import { TurnPlan } from './turn-plan.ts'
import { type VirtDevices, wireVirtDevices } from './virt-devices.ts'
import { virtTree } from './virt-tree.ts'

/** Instructions of a slice of a deterministic machine: timers end it earlier. */
const DETERMINISTIC_SLICE = 100_000
const MACHINE_MODE = 3
/** Milliseconds to wait for the host's answers before a snapshot. */
const MAX_SAVE_WAITS = 10_000
const A2 = 12
/** Page-table walks set the A and D bits (Priv. §3.1.18). */
const MENVCFG_ADUE = 1n << 61n

/** A RISC-V computer compatible with QEMU's `virt` board. Made ready to run; runs once. */
export class VirtMachine {
  readonly cpu: RiscvCpu
  /** The blob the guest got; empty for a restored machine. */
  readonly deviceTree: Uint8Array
  /** Without what it boots, which is not kept once it is in RAM. */
  readonly #config: Omit<VirtMachineConfig, 'boot'>
  readonly #loop: MachineLoop | ThreadLoop
  /** What is outside RAM. */
  readonly bus: Bus = new Bus()
  readonly #host: HostTasks
  readonly #clock: MachineClock
  readonly #guestClock: GuestClock | InstructionClock
  #hash: StateHash | undefined
  #dirty: DirtyPages | undefined
  #hashedAt = 0n
  readonly #hostWork = new HostWork()
  readonly #faults: Faults | undefined
  readonly #gate = new PauseGate()
  readonly #timers: TimerQueue
  /** The time counter; undefined, and 0, only while the board is being built. */
  #aclint: Aclint | undefined
  #firmware: SbiFirmware | undefined
  #devices: VirtDevices | undefined
  #htif: Htif | undefined
  #end: MachineEnd | undefined

  /**
   * Builds the board, loads the images and starts the harts. Throws `board.cpus`, `board.memory`, and what the loaders,
   * the bus and the CPU throw.
   */
  constructor(config: VirtMachineConfig) {
    checkSizes(config)
    const { boot, ...rest } = config
    this.#config = { ...rest, console: gatherOutput(rest.console) }
    this.#host = config.host ?? hostTasks()
    const { bus } = this
    const restored = 'restored' in config.boot ? readVirtState(config.boot.restored) : undefined
    this.#clock = new MachineClock(config.clock, restored?.clockNs)
    const instructions = config.deterministic && new InstructionClock(restored?.clockNs)
    const clock = instructions ?? new GuestClock(this.#clock)
    this.#guestClock = clock
    const timers = (this.#timers = new TimerQueue(clock))
    const builtInFirmware = !('elf' in config.boot) && !('firmware' in config.boot)
    this.cpu = config.createCpu({
      harts: config.cpus,
      ramBase: VIRT.ram.base,
      ramBytes: config.memoryBytes,
      time: () => (instructions ? instructions.exactly(() => this.#time()) : this.#time()),
      timerTime: () => this.#time(),
      bus,
      ...('page' in config.boot && { pageSource: config.boot.page }),
      ...(builtInFirmware && { environmentCall: (hart: RiscvHart) => this.#firmware?.environmentCall(hart) }),
    })
    const { seed = 0, faults } = config.deterministic ?? {}
    if (instructions && faults) {
      const machine = { clock: instructions, timers, memory: this.cpu.memory, position: () => this.position }
      this.#faults = new Faults(seed, faults.rates, machine, faults.onFault)
    }
    this.#loop = this.#loopWith(timers)
    if (config.deterministic?.tape) config.deterministic.tape.onInput = () => this.#loop.wake()
    const devices = wireVirtDevices({
      bus,
      cpu: this.cpu,
      timers,
      entropy: config.entropy,
      console: this.#config.console,
      virtio: config.virtio ?? [],
      transport: config.transport ?? 'pci',
      ...(config.deterministic && {
        paced: { seed, timers, hold: work => this.#hostWork.hold(work), faults: this.#faults },
      }),
      interrupt: (hartId, bit, level) => {
        this.cpu.harts[hartId]?.setInterrupt(bit, level)
        this.#loop.wake()
      },
      power: request => this.#finish(request.kind === 'fail' ? { kind: 'failure', code: request.code } : request),
    })
    this.#aclint = devices.aclint
    this.#devices = devices
    const isMoved = 'isMoved' in boot && boot.isMoved === true
    this.deviceTree = restored ? this.#restore(restored, isMoved) : this.#boot(boot, bus, devices.uart)
  }

  #loopWith(timers: TimerQueue): MachineLoop | ThreadLoop {
    const { clock, governor, deterministic } = this.#config
    const { sliceInstructions = deterministic && DETERMINISTIC_SLICE } = this.#config
    const instructionClock = this.#guestClock instanceof InstructionClock ? this.#guestClock : undefined
    const { harts, threads } = this.cpu
    const config: MachineLoopConfig = {
      harts,
      timers,
      clock,
      guestClock: this.#guestClock,
      time: () => this.#time(),
      ticksPerSecond: VIRT_TICKS_PER_SECOND,
      host: this.#host,
      beforeRound: () => {
        this.#firmware?.wakeSuspended()
        this.#htif?.poll()
        if (deterministic) this.#beforeTurn(deterministic)
      },
      gate: () => this.#gate.hold(),
      ...(deterministic?.seed && harts.length > 1 && { plan: new TurnPlan(deterministic.seed) }),
      ...(instructionClock && {
        instructionClock,
        hostWork: this.#hostWork,
        ...(deterministic?.waits && { waits: deterministic.waits }),
      }),
      ...(governor && { governor }),
      isSuspended: hartId => this.#firmware?.isSuspended(hartId) ?? false,
      ...(sliceInstructions !== undefined && { sliceInstructions }),
    }
    if (!threads) return new MachineLoop(config)
    if (sliceInstructions !== undefined) {
      throw new DoppelError(
        'board.slices',
        'harts with threads of their own have no slices whose length could be fixed',
      )
    }
    return new ThreadLoop({ ...config, threads, isPaused: () => this.#gate.isClosed })
  }

  /** Runs until the machine ends; call once. Rejects only with what a CPU or port threw: a doppel bug or a host failure. */
  async run(): Promise<MachineEnd> {
    try {
      for (;;) {
        this.#gate.loopRuns(true)
        const end = await this.#runToEnd()
        this.#gate.loopRuns(false)
        if ((await this.#config.deterministic?.ended?.(end)) !== true) return end
      }
    } finally {
      this.#gate.loopRuns(false)
      if (this.#config.host === undefined) this.#host.close()
    }
  }

  async #runToEnd(): Promise<MachineEnd> {
    const how = await this.#loop.run(() => this.#end !== undefined)
    if (how === 'stuck')
      return {
        kind: 'stuck',
        trap: stuckTrap(this.cpu.harts[this.#loop.stuckHart()] as RiscvHart, this.#firmware !== undefined),
      }
    return how === 'halted' ? { kind: 'halted' } : (this.#end ?? { kind: 'stopped' })
  }

  #time(): bigint {
    return this.#aclint?.time() ?? 0n
  }

  /** Sixteen digits that stand for the machine's whole state, disks by what has been written to them; between slices. */
  stateHash(): string {
    this.#hash ??= new StateHash({
      memory: this.cpu.memory,
      touchedPages: () => this.cpu.touchedPages(),
      ...(this.cpu.takeDirty && { takeDirty: this.dirtyPages() }),
    })
    const devices = saveDevices(this.#devices as VirtDevices)
    const parts = { devices, cpu: this.cpu.save(), clockNs: this.#guestClock.monotonicNs() }
    const faults = this.#faults?.save()
    return this.#hash.take({ ...parts, firmware: this.#firmware?.save() ?? [], faults } as unknown as Saved)
  }
  /** Instructions retired by all harts, and the machine's time, ns. */
  get position(): { readonly instructions: bigint; readonly atNs: number } {
    const instructions = this.cpu.harts.reduce((sum, hart) => sum + hart.retired, 0n)
    return { instructions, atNs: this.#guestClock.monotonicNs() }
  }
  /** What is at which guest-physical addresses now. */
  devices(): { readonly base: number; readonly lengthBytes: number; readonly name: string }[] {
    const mapped = [...this.bus.mappings, ...(this.#devices?.pci.decoded() ?? [])]
    return mapped.map(({ base, device: { lengthBytes, name } }) => ({ base, lengthBytes, name }))
  }
  /** Tells, each time it is asked, which pages of RAM have been written since it last was. */
  dirtyPages(): () => Iterable<number> {
    this.#dirty ??= new DirtyPages(() => this.cpu.takeDirty?.() ?? [])
    return this.#dirty.reader()
  }
  /** A deterministic machine's state, memory aside, before a round; undefined while a device owes the guest an answer. */
  moment(): Moment | undefined {
    const devices = this.#devices as VirtDevices
    const { entropy } = this.#config
    if (!(this.#loop instanceof MachineLoop) || !('save' in entropy) || pendingChains(devices) > 0) return undefined
    return {
      clockNs: this.#guestClock.monotonicNs(),
      cpu: this.cpu.saveMoment?.() as Saved,
      loop: this.#loop.save(),
      firmware: this.#firmware?.save() ?? [],
      devices: saveDevices(devices),
      timers: this.#timers.save(),
      entropy: (entropy as RepeatableEntropy).save(),
      faults: this.#faults?.save(),
      hashedAt: this.#hashedAt,
    }
  }
  /** Brings the machine, which stands still or has ended, back to a moment; its memory is the caller's to bring back. */
  returnTo(moment: Moment): void {
    if (this.#guestClock instanceof InstructionClock) this.#guestClock.set(moment.clockNs)
    this.#firmware?.restore(moment.firmware)
    const bringBack = (): void => restoreDevices(this.#devices as VirtDevices, moment.devices)
    if (this.#faults) this.#faults.quietly(moment.timers, bringBack)
    else bringBack()
    this.#faults?.restore(moment.faults)
    // Devices have just armed and raised what they would now, which is not what they did then to the nanosecond.
    this.#timers.restore(moment.timers)
    this.cpu.restoreMoment?.(moment.cpu)
    if (this.#loop instanceof MachineLoop) this.#loop.restore(moment.loop)
    ;(this.#config.entropy as RepeatableEntropy).restore(moment.entropy)
    this.#hashedAt = moment.hashedAt
    this.#end = undefined
  }
  #beforeTurn({ tape, hashEvery = 0, onHash }: DeterministicRun): void {
    this.#faults?.beforeTurn(this.position.instructions)
    const { instructions: retired, atNs } = this.position
    if (tape?.round(retired, atNs) === false) this.stop()
    if (!onHash || retired - this.#hashedAt < BigInt(hashEvery)) return
    this.#hashedAt = retired
    onHash(retired, this.stateHash())
  }

  /** Ends `run` after the slice under way. */
  stop(): void {
    this.#finish({ kind: 'stopped' })
    this.#gate.open()
  }

  /** Resolves when no hart runs any more; the guest's clock stands still until `resume`. */
  async pause(): Promise<void> {
    const paused = this.#gate.close()
    this.#loop.wake()
    await paused
    this.#clock.stop()
  }

  /** Lets a paused machine go on. */
  resume(): void {
    if (!this.#gate.isClosed) return
    this.#clock.start()
    this.#gate.open()
  }

  /**
   * The paused machine's state, for `RestoredBoot`; memory and disks are not part of it. Throws `snapshot.*` when a
   * device cannot be saved, or the host does not answer the guest's requests in time.
   */
  async save(): Promise<Saved> {
    const devices = this.#devices as VirtDevices
    if (!this.#firmware) {
      throw new DoppelError('snapshot.firmware', 'only machines on the built-in SBI can be saved; this one has its own')
    }
    for (let waits = 0; pendingChains(devices) > 0; waits++) {
      if (waits === MAX_SAVE_WAITS)
        throw new DoppelError('snapshot.busy', "the host has not answered the guest's requests")
      await this.#host.sleep(1).done
    }
    return virtState({
      cpus: this.#config.cpus,
      memoryBytes: this.#config.memoryBytes,
      clockNs: this.#guestClock.monotonicNs(),
      cpu: this.cpu.save(),
      firmware: this.#firmware.save(),
      devices: saveDevices(devices),
    })
  }

  #restore(state: VirtState, isMoved: boolean): Uint8Array {
    const { cpus, memoryBytes } = this.#config
    if (state.cpus !== cpus || state.memoryBytes !== memoryBytes) {
      throw new DoppelError(
        'snapshot.size',
        `the snapshot has ${state.cpus} harts and ${formatSize(state.memoryBytes)} of memory; this machine has ${cpus} ` +
          `and ${formatSize(memoryBytes)}`,
      )
    }
    const devices = this.#devices as VirtDevices
    this.#firmware = this.#builtInFirmware(devices.uart)
    this.#firmware.restore(state.firmware)
    this.cpu.restore(state.cpu)
    restoreDevices(devices, state.devices)
    if (!isMoved) devices.generationId.renew()
    // The guest has long read its own.
    return new Uint8Array(0)
  }

  /** The first reason stands. */
  #finish(end: MachineEnd): void {
    this.#end ??= end
    // What is left of the slices under way is not run.
    for (const hart of this.cpu.harts) hart.stop()
    this.#loop.wake()
  }

  #boot(boot: VirtBoot, bus: Bus, uart: Uart16550): Uint8Array {
    const loader = new BootLoader(this.cpu.memory)
    const treeBase = loader.reserveTree()
    const tree = BigInt(treeBase)
    const firmware = 'firmware' in boot ? loader.firmware(boot.firmware) : undefined
    const elf = 'elf' in boot ? loader.elf(boot.elf) : undefined
    const kernel = 'kernel' in boot && boot.kernel ? loader.kernel(boot.kernel) : undefined
    const initrd = 'initrd' in boot && boot.initrd ? loader.initrd(boot.initrd) : undefined
    const blob = writeFdt(this.#tree(boot, initrd))
    loader.writeTree(treeBase, blob)
    const machineEntry = firmware ?? (elf && physicalAddress(elf, elf.entry))
    if (machineEntry !== undefined) {
      this.#startMachineMode(bus, { firmware: machineEntry, deviceTree: tree, next: kernel })
      if (elf === undefined) return blob
      this.#htif = mailbox(elf, {
        memory: this.cpu.memory,
        write: bytes => this.#config.console.write(bytes),
        exit: code => this.#finish(code === 0 ? { kind: 'poweroff' } : { kind: 'failure', code }),
      })
    } else if (kernel !== undefined) {
      this.#firmware = this.#builtInFirmware(uart)
      this.#firmware.boot(0, kernel, tree)
    }
    return blob
  }

  #tree(boot: VirtBoot, initrd: GuestRange | undefined): ReturnType<typeof virtTree> {
    const { cpus, memoryBytes, isa, entropy } = this.#config
    const rngSeed = new Uint8Array(32)
    entropy.fill(rngSeed)
    return virtTree({
      harts: cpus,
      memoryBytes,
      isa,
      bootArguments: ('append' in boot ? boot.append : undefined) ?? '',
      rngSeed,
      ...(initrd && { initrd }),
    })
  }

  /** All harts enter at once, as on hardware; the ROM's code did for them what the registers here say. */
  #startMachineMode(bus: Bus, vector: Parameters<typeof resetRom>[0]): void {
    bus.map(VIRT.resetRom.base, resetRom(vector))
    for (const hart of this.cpu.harts) {
      hart.start({ pc: vector.firmware, privilege: MACHINE_MODE, a0: BigInt(hart.id), a1: vector.deviceTree })
      hart.setX(A2, BigInt(VIRT.resetRom.base + DYNAMIC_INFO_OFFSET))
      // As QEMU's board comes out of reset: kernels that start in M-mode count on the A and D bits being set for them.
      hart.writeCsr('menvcfg', MENVCFG_ADUE)
    }
  }

  #builtInFirmware(uart: Uart16550): SbiFirmware {
    return new SbiFirmware({
      harts: this.cpu.harts,
      memory: this.cpu.memory,
      console: debugConsole(this.#config.console, uart),
      reset: ({ kind, failure }) => this.#finish(failure ? { kind: 'failure', code: 1 } : { kind }),
      extensions: this.#config.isa.extensions,
    })
  }
}
