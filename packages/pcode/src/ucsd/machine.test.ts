import { expect, it, describe } from 'vitest'
import { type Line, type ProcedureSource, segmentBytes } from '../../test/ucsd/assembler.ts'
import { bootSmall, ERROR_HANDLER, stackOf, type SystemSource } from '../../test/ucsd/small-system.ts'
import { Exit } from './emitter.ts'
import { ExecutionError } from './execution-errors.ts'
import { Syscom } from './syscom.ts'

const outermost = (code: readonly Line[]): ProcedureSource => ({
  level: -1,
  jumps: [0],
  dataWords: 100,
  code: [...code, ['CSP', 39], 'exit', ['XIT']],
})
function run(
  code: readonly Line[],
  more: Partial<SystemSource> & { readonly others?: readonly ProcedureSource[] } = {},
) {
  const small = bootSmall({ ...more, procedures: [outermost(code), ERROR_HANDLER, ...(more.others ?? [])] })
  const exit = small.machine.step(100_000)
  return { ...small, exit, stack: stackOf(small.machine) }
}

describe('execution errors', () => {
  it.each<readonly [string, readonly Line[], number]>([
    ['a value beyond its bounds', [['SLDC', 10], ['SLDC', 1], ['SLDC', 9], ['CHK']], ExecutionError.invalidIndex],
    ['an index beyond a string', [['LSA', 'A'], ['SLDC', 2], ['IXS']], ExecutionError.invalidIndex],
    ['a field beyond its word', [['LLA', 5], ['SLDC', 9], ['SLDC', 8], ['LDP']], ExecutionError.invalidIndex],
    [
      'a packed array with no elements in a word',
      [
        ['LLA', 5],
        ['SLDC', 9],
        ['IXP', 0, 8],
      ],
      ExecutionError.invalidIndex,
    ],
    ['a set member that is too high', [['LDCI', 4080], ['SGS']], ExecutionError.invalidIndex],
    ['a set that is larger than sets are', [['SLDC', 1], ['LDCI', 300], ['INN']], ExecutionError.invalidIndex],
    ['a division by zero', [['SLDC', 1], ['SLDC', 0], ['DVI']], ExecutionError.divideByZero],
    ['a procedure that is not there', [['CBP', 99]], ExecutionError.noProcedure],
    ['a segment that is not there', [['CXP', 7, 1]], ExecutionError.noProcedure],
    ['a segment beyond the table', [['CXP', 200, 1]], ExecutionError.noProcedure],
    [
      'an exit from what was never called',
      [
        ['SLDC', 0],
        ['SLDC', 3],
        ['CSP', 4],
      ],
      ExecutionError.exitFromUncalled,
    ],
    [
      'a heap that meets the stack',
      [
        ['LLA', 5],
        ['LDCI', 0x7f00],
        ['CSP', 1],
      ],
      ExecutionError.stackOverflow,
    ],
    [
      'a string that does not fit',
      [
        ['LLA', 5],
        ['LSA', 'ABCD'],
        ['SAS', 3],
      ],
      ExecutionError.stringTooLong,
    ],
    ['nil stored through', [['LDCN'], ['SLDC', 1], ['STO']], ExecutionError.badMemory],
    [
      'a breakpoint that the debugger has set',
      [['LOD', 0, 1], ['SLDC', 3], ['STL', 5], ['LDL', 1], ['INC', 13], ['SLDC', 9], ['STO'], ['BPT', 9]],
      ExecutionError.breakpoint,
    ],
    ['a standard procedure that is not there', [['CSP', 20]], ExecutionError.unimplemented],
    [
      'a failed input checked for',
      [
        ['SLDC', 5],
        ['CSP', 38],
        ['CSP', 0],
      ],
      ExecutionError.userIo,
    ],
  ])('%s', (_, code, error) => {
    const { stack, machine } = run(code)
    expect(stack[0]).toBe(error)
    expect(machine.word(machine.syscom + Syscom.executionError)).toBe(error)
  })

  it('the system is told where: the instruction, and the frame of its own procedure', () => {
    const { machine } = run([['NOP'], ['NOP'], ['SLDC', 1], ['SLDC', 0], ['DVI']])
    const frame = machine.word(machine.syscom + Syscom.bombFrame)
    expect(machine.word(frame + 8)).toBe(machine.word(machine.syscom + Syscom.bombIpc))
    // The code of segment 0 lies at the beginning of it.
    const code = machine.word(machine.syscom + Syscom.bombIpc)
    expect([machine.byte(code), machine.byte(code - 1), machine.byte(code - 2)]).toEqual([134, 0, 1])
  })

  it('endless recursion ends in a stack overflow', () => {
    const { stack } = run([['CBP', 3]], { others: [{ code: [['CBP', 3], 'exit', ['RBP', 0]], dataWords: 8 }] })
    expect(stack[0]).toBe(ExecutionError.stackOverflow)
  })

  it('an evaluation stack that is popped below its bottom is an error', () => {
    expect(run([['ADI'], ['ADI'], ['UJP', 0]]).stack[0]).toBe(ExecutionError.stackOverflow)
  })

  it('an evaluation stack that is filled is an error', () => {
    const { stack } = run([
      ['SLDC', 1],
      ['UJP', -10],
    ])
    expect(stack[0]).toBe(ExecutionError.stackOverflow)
  })
  it('an evaluation stack that is filled without a jump is an error', () => {
    const { machine } = bootSmall({ procedures: [outermost([['NOP']]), ERROR_HANDLER] })
    // Two constants whose ends are one another's beginnings, around the end of memory.
    for (const at of [0x7f80, 0xff80]) [1, 208, 0xff, 0xfc].forEach((byte, i) => machine.setByte(at + i, byte))
    machine.setIpc(0x7f80)
    expect(machine.step(100_000)).toBe(Exit.halt)
    expect(stackOf(machine)[0]).toBe(ExecutionError.stackOverflow)
  })
  it('code that runs on behind memory is an error', () => {
    const { machine } = bootSmall({ procedures: [outermost([['NOP']]), ERROR_HANDLER] })
    machine.setIpc(0xfffe)
    machine.setByte(0xfffe, 215)
    machine.setByte(0xffff, 215)
    machine.step(100)
    expect(stackOf(machine)[0]).toBe(ExecutionError.unimplemented)
  })

  it('an endless loop stops where its budget does', () => {
    const { machine } = bootSmall({ procedures: [outermost([['LDCN'], ['FJP', -10]]), ERROR_HANDLER] })
    expect(machine.step(1000)).toBe(Exit.budget)
  })
})

describe('segments', () => {
  const code = segmentBytes(7, [{ level: 0, code: [['SLDC', 5], ['STR', 1, 9], 'exit', ['RBP', 0]] }])
  const segments = [{ number: 7, name: 'OVERLAY', code }]

  it('are brought in by a call and given up by its return', () => {
    const { stack, machine } = run([['CSP', 40], ['CXP', 7, 1], ['CSP', 40], ['SBI'], ['SLDL', 9]], { segments })
    expect(stack).toEqual([5, 0])
    expect(machine.segments.uses(7)).toBe(0)
  })
  it('stay while they are asked to', () => {
    const { stack, machine } = run([['CSP', 40], ['SLDC', 7], ['CSP', 21], ['CXP', 7, 1], ['CSP', 40], ['SBI']], {
      segments,
    })
    expect(stack[0]).toBe((code.length + (code.length & 1)) / 2)
    expect(machine.segments.uses(7)).toBe(1)
  })
  it('that have no code are room for variables', () => {
    // Entry 8 of SYSCOM's table: no block, six bytes.
    const entry = (Syscom.segmentTable + 6 * 8) / 2
    const lines: Line[] = [['SLDL', 1], ['INC', entry + 2], ['SLDC', 6], ['STO'], ['SLDC', 8], ['CSP', 21]]
    const { stack } = run([...lines, ['SLDC', 33], ['STE', 8, 2], ['LDE', 8, 2], ['LAE', 8, 2], ['LAE', 8, 1], ['SBI']])
    expect(stack).toEqual([2, 33])
  })
  it('whose procedure is in the code of some processor are an error, and given up', () => {
    const native = segmentBytes(7, [{ code: [['NOP']], isNative: true }])
    const { stack, machine } = run([['CXP', 7, 1]], { segments: [{ number: 7, name: 'NATIVE', code: native }] })
    expect(stack[0]).toBe(ExecutionError.unimplemented)
    expect(machine.segments.uses(7)).toBe(0)
  })
})

describe('long integers', () => {
  // The slot of a codefile is no higher than 15: the table is set as the system does it.
  const dec = (operation: number): Line[] => [
    ['SLDC', operation],
    ['CLP', 3],
  ]
  const native: ProcedureSource = { code: [['NOP']], isNative: true, level: 1 }
  const long = (...lines: Line[]): readonly number[] => {
    const segment = segmentBytes(30, [
      { level: 0, parameterWords: 0, code: [...lines, ['CSP', 39], 'exit', ['RBP', 0]] },
      native,
      native,
    ])
    const table = (Syscom.segmentTable + 6 * 30) / 2
    const like = (Syscom.segmentTable + 6 * 7) / 2
    const copied: Line[] = [
      ['SLDL', 1],
      ['INC', table],
      ['SLDL', 1],
      ['INC', like],
      ['MOV', 3],
      ['CXP', 30, 1],
    ]
    return run(copied, { segments: [{ number: 7, name: 'LONGINTE', code: segment }] }).stack
  }
  it('are made of integers and read back', () => {
    expect(long(['LDCI', 0xff85], ...dec(18), ...dec(20))[0]).toBe(0xff85)
  })
  it('are four digits to a word, the highest lowest', () => {
    expect(long(['LDCI', 12345], ...dec(18)).slice(0, 4)).toEqual([3, 0, 0x1000, 0x5432])
  })
  it.each<readonly [string, number, number, number, number]>([
    ['added', 2, 300, 45, 345],
    ['subtracted', 4, 300, 345, 0xffd3],
    ['multiplied', 8, 120, 12, 1440],
    ['divided, cut towards zero', 10, 0xfff9, 2, 0xfffd],
  ])('are %s', (_, operation, x, y, expected) => {
    expect(long(['LDCI', x], ...dec(18), ['LDCI', y], ...dec(18), ...dec(operation), ...dec(20))[0]).toBe(expected)
  })
  it('are compared', () => {
    const pair: Line[] = [['LDCI', 300], ...dec(18), ['LDCI', 301], ...dec(18)]
    expect(long(...pair, ['SLDC', 8], ...dec(16), ...pair, ['SLDC', 13], ...dec(16)).slice(0, 2)).toEqual([0, 1])
  })
  it('beyond 36 digits are an overflow', () => {
    const lines: Line[] = [['LDCI', 30000], ...dec(18)]
    for (let i = 0; i < 8; i++) lines.push(['LDCI', 30000], ...dec(18), ...dec(8))
    expect(long(...lines)[0]).toBe(ExecutionError.integerOverflow)
  })
  it('divided by zero are an error', () => {
    expect(long(['SLDC', 5], ...dec(18), ['SLDC', 0], ...dec(18), ...dec(10))[0]).toBe(ExecutionError.divideByZero)
  })
})

describe('units', () => {
  // unit, address, index, bytes, block, mode
  const transfer = (csp: number, unit: number, bytes: number, block = 0): Line[] => [
    ['SLDC', unit],
    ['LLA', 10],
    ['SLDC', 0],
    ['LDCI', bytes],
    ['SLDC', block],
    ['SLDC', 0],
    ['CSP', csp],
    ['CSP', 34],
  ]
  it('the console echoes what is read from unit 1, not from unit 2', () => {
    expect(run([...transfer(5, 1, 2), ...transfer(5, 2, 1)], { input: ['ab\n'] }).output()).toBe('ab')
  })
  it('a read waits for input in pieces, and is not told twice', async () => {
    const { machine, output } = bootSmall({
      procedures: [outermost([...transfer(5, 1, 3), ...transfer(6, 1, 3)]), ERROR_HANDLER],
      input: ['a', 'b', 'c'],
    })
    expect(await machine.run()).toBe('halted')
    expect(output()).toBe('abcabc')
  })
  it('the end of input ends the system that reads', async () => {
    const { machine } = bootSmall({ procedures: [outermost(transfer(5, 1, 3)), ERROR_HANDLER], input: ['a'] })
    expect(await machine.run()).toBe('end of input')
  })
  it('a look that says so stops the system', async () => {
    const { machine } = bootSmall({ procedures: [outermost([['LDCN'], ['FJP', -10]]), ERROR_HANDLER] })
    expect(await machine.run(() => true)).toBe('stopped')
  })
  it('the break key is an execution error, unless the system has said not to', async () => {
    const loop = outermost([['LDCN'], ['FJP', -10]])
    const { machine } = bootSmall({ procedures: [loop, ERROR_HANDLER], input: ['\0'], isTerminal: true })
    expect(await machine.run()).toBe('halted')
    expect(stackOf(machine)[0]).toBe(ExecutionError.userBreak)
  })
  it.each<readonly [string, Line[], Partial<SystemSource>, number]>([
    ['a block that is there', transfer(5, 4, 512, 2), {}, 0],
    ['a block beyond the disk', transfer(5, 4, 512, 64), {}, 1],
    ['a unit without a disk', transfer(5, 5, 512), {}, 9],
    ['writing a disk', transfer(6, 4, 512, 63), {}, 0],
    ['writing a disk that is protected', transfer(6, 4, 512, 63), { readOnly: true }, 16],
    ['a printer that is not there', transfer(6, 6, 1), {}, 9],
    ['reading a printer', transfer(5, 6, 1), { units: { printer: { write: () => undefined } } }, 3],
  ])('%s', (_, code, more, result) => {
    expect(run(code, more).stack[0]).toBe(result)
  })
})
