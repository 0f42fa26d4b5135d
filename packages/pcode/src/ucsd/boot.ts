import { DoppelError } from '@doppel/base'
import { readDirectory } from './volume/directory.ts'
import { readSegmentDictionary } from './codefile.ts'
import { Attribute, FRAME_BYTES } from './frame.ts'
import { Register, STACK_HIGH } from './layout.ts'
import { PMachine, type PMachineParts } from './machine.ts'
import { SEGMENT_ENTRY_BYTES, SEGMENTS, Syscom, SYSCOM_BYTES } from './syscom.ts'
import { datedDisk, type VolumeDate } from './volume/dated-disk.ts'
import { BLOCK_BYTES, type DiskPort } from './units/disk.ts'
import { DISK_UNITS } from './units/units.ts'

/** The file that is booted. */
const SYSTEM_FILE = 'SYSTEM.PASCAL'
/** The heap begins above addresses that look like characters to instructions on strings. */
const HEAP_BOTTOM = 0x0200
const MEMORY_TOP = 0xfe80

/** What a system is booted from. */
export interface BootParts extends Omit<PMachineParts, 'bigEndian' | 'units'> {
  /** Disks in the order of the units 4, 5, 9 to 12; the first has the system. */
  readonly disks: readonly DiskPort[]
  readonly units?: Omit<PMachineParts['units'], 'disks'>
  /** The date that the system takes for today's; without one it is what the disk has. */
  readonly date?: VolumeDate
}

/** Most disks that there are units for. */
export const MAX_DISKS: number = DISK_UNITS.length

/**
 * A machine with the system of its first disk about to begin: segments known, its outermost procedure called with the
 * address of SYSCOM. Throws `ucsd.volume-…` for what is no volume, `ucsd.boot` for what cannot be booted.
 */
export function bootSystem({ disks, units, date, ...parts }: BootParts): PMachine {
  const [first] = disks
  if (first === undefined) throw new DoppelError('ucsd.boot', 'there is no disk to boot from')
  if (disks.length > MAX_DISKS) {
    throw new DoppelError('ucsd.boot', `${disks.length} disks; a p-System has units for ${MAX_DISKS}`)
  }
  const directory = readDirectory(first)
  for (const disk of disks.slice(1)) {
    const { bigEndian, name } = readDirectory(disk)
    if (bigEndian === directory.bigEndian) continue
    throw new DoppelError('ucsd.boot', `${name}: has the other byte sex than ${directory.name}:, which is booted`, {
      volume: name,
    })
  }
  const system = directory.files.find(({ name }) => name === SYSTEM_FILE)
  if (system === undefined) {
    throw new DoppelError('ucsd.boot', `${directory.name}: has no ${SYSTEM_FILE}, which a system is booted from`, {
      volume: directory.name,
    })
  }
  const dated = date === undefined ? first : datedDisk(first, directory.bigEndian, date)
  const byUnit = new Map([dated, ...disks.slice(1)].map((disk, i) => [DISK_UNITS[i] as number, disk]))
  const machine = new PMachine({ ...parts, bigEndian: directory.bigEndian, units: { ...units, disks: byUnit } })
  load(machine, first, system.firstBlock)
  return machine
}

function load(machine: PMachine, disk: DiskPort, firstBlock: number): void {
  const [unit = 0] = DISK_UNITS
  const block = new Uint8Array(BLOCK_BYTES)
  disk.read(firstBlock * BLOCK_BYTES, block)
  const segments = readSegmentDictionary(block, machine.bigEndian)
  const syscom = MEMORY_TOP - SYSCOM_BYTES
  machine.setRegister(Register.syscom, syscom)
  machine.np = HEAP_BOTTOM
  machine.kp = syscom
  machine.setRegister(Register.mp, syscom)
  const system = segments.filter(({ number }) => number === 0)
  const [only] = system
  if (only === undefined || system.length > 1) {
    throw new DoppelError('ucsd.boot', `${SYSTEM_FILE} has ${system.length} segments with number 0; expected one`)
  }
  for (const { number, codeBlock, lengthBytes } of segments) {
    if (number >= SEGMENTS) continue
    const entry = syscom + Syscom.segmentTable + SEGMENT_ENTRY_BYTES * number
    const words = [unit, firstBlock + codeBlock, lengthBytes]
    for (const [i, word] of words.entries()) machine.setWord(entry + 2 * i, word)
  }
  if (machine.segments.load(0) !== undefined) {
    throw new DoppelError('ucsd.boot', `${SYSTEM_FILE} cannot be brought into memory: ${only.lengthBytes} bytes`)
  }
  machine.segments.setSystem(machine.segments.addressOf(0))
  machine.setWord(syscom + Syscom.systemUnit, unit)
  machine.setWord(syscom + Syscom.memoryTop, MEMORY_TOP)
  callSystem(machine)
}

/** Calls the outermost procedure, whose one variable from outside is the address of SYSCOM. */
function callSystem(machine: PMachine): void {
  machine.push(machine.syscom)
  machine.setRegister(Register.calls, 1)
  machine.setRegister(Register.callSegment, machine.segments.addressOf(0))
  machine.setRegister(Register.callProcedure, 1)
  const before = machine.mp
  machine.step(0)
  const { mp, jtab } = machine
  const variables = machine.word(jtab + Attribute.parameterBytes) + machine.word(jtab + Attribute.dataBytes)
  if (mp === before || variables === 0) {
    throw new DoppelError('ucsd.boot', `the first procedure of ${SYSTEM_FILE} is none that can be begun with`)
  }
  machine.setRegister(Register.systemFrame, machine.mp)
  machine.setWord(machine.mp + FRAME_BYTES, machine.syscom)
  // Nothing is to be returned to.
  machine.setRegister(Register.sp, STACK_HIGH)
}
