import type { CharPort } from '@doppel/base'
import { beforeEach, expect, test } from 'vitest'
import { UART_INPUT_LIMIT_BYTES, Uart16550 } from './uart16550.ts'

const [RBR, THR, DLL] = [0, 0, 0]
const [IER, DLM] = [1, 1]
const [IIR, FCR] = [2, 2]
const [LCR, MCR, LSR, MSR, SCR] = [3, 4, 5, 6, 7]
let sent: string
let type: (text: string) => void
let level: boolean
let uart: Uart16550

beforeEach(() => {
  sent = ''
  const port: CharPort = {
    write: bytes => void (sent += new TextDecoder().decode(bytes)),
    onInput: receive => void (type = text => receive(new TextEncoder().encode(text))),
  }
  uart = new Uart16550({ port, line: { set: now => void (level = now) } })
})

const read = (register: number): number => uart.read(register, 1)
const write = (register: number, value: number): void => uart.write(register, 1, value)
/** Reads as a driver does: while the line status says there is data. */
const readAll = (): string => {
  let text = ''
  while (read(LSR) & 1) text += String.fromCharCode(read(RBR))
  return text
}

test('what the guest transmits reaches the port, and the transmitter is always ready', () => {
  for (const char of 'ok\n') {
    expect(read(LSR) & 0x60).toBe(0x60)
    write(THR, char.charCodeAt(0))
  }
  expect(sent).toBe('ok\n')
})

test('DLAB uncovers the divisor latch and hides the data registers', () => {
  write(IER, 1)
  write(LCR, 0x83)
  write(DLL, 0x34)
  write(DLM, 0x12)
  expect([read(DLL), read(DLM), sent]).toEqual([0x34, 0x12, ''])
  write(LCR, 0x03)
  expect([read(IER), read(LCR)]).toEqual([1, 3])
})

test('the registers that a driver probes read back', () => {
  write(SCR, 0xa5)
  expect(read(SCR)).toBe(0xa5)
  write(IER, 0xff)
  expect(read(IER)).toBe(0x0f)
  expect(read(MSR) & 0xf0).toBe(0xb0)
  expect(read(IIR) & 0xc0).toBe(0)
  write(FCR, 1)
  expect(read(IIR) & 0xc0).toBe(0xc0)
})

test('input interrupts until it is read: above the trigger as data, below it as a timeout', () => {
  write(IER, 1)
  write(FCR, 0x81) // FIFOs on, trigger at 8 bytes
  expect(level).toBe(false)
  type('12345678')
  expect([level, read(IIR) & 0xf]).toEqual([true, 0x4])
  expect(read(RBR)).toBe(0x31)
  expect(read(IIR) & 0xf).toBe(0xc)
  expect(readAll()).toBe('2345678')
  expect([level, read(IIR) & 0xf]).toEqual([false, 1])
})

test('the transmitter-empty interrupt comes when enabled and after each byte, and ends when IIR is read', () => {
  write(IER, 2)
  expect([level, read(IIR) & 0xf]).toEqual([true, 2])
  expect([level, read(IIR) & 0xf]).toEqual([false, 1])
  write(THR, 0x41)
  expect(level).toBe(true)
  write(IER, 0)
  expect(level).toBe(false)
  write(IER, 2)
  expect(level).toBe(true)
})

test('reading IIR for received data leaves the transmitter interrupt pending', () => {
  write(IER, 3)
  write(FCR, 1)
  type('x')
  expect(read(IIR) & 0xf).toBe(0x4)
  read(RBR)
  expect([level, read(IIR) & 0xf]).toEqual([true, 2])
})

test('in loopback, data and modem lines come back and the host sees nothing', () => {
  write(MCR, 0x1a) // loop, OUT2, RTS
  expect(read(MSR) & 0xf0).toBe(0x90)
  write(FCR, 1)
  for (let i = 0; i < 20; i++) write(THR, i)
  expect(read(LSR) & 3).toBe(3)
  let count = 0
  while (read(LSR) & 1) expect(read(RBR)).toBe(count++)
  expect(count).toBe(16)
  expect(sent).toBe('')
  write(MCR, 0x0b)
  expect(read(MSR) & 0xf0).toBe(0xb0)
})

test('a change of modem status interrupts until it is read', () => {
  write(IER, 8)
  write(MCR, 0x10)
  expect([level, read(IIR) & 0xf]).toEqual([true, 0])
  expect(read(MSR)).toBe(0x0b)
  expect([level, read(MSR)]).toEqual([false, 0])
})

test('input typed before the driver resets its FIFOs is not lost', () => {
  type('echo hello\n')
  for (const control of [1, 7, 0, 1]) write(FCR, control)
  expect(readAll()).toBe('echo hello\n')
})

test('input past the limit is dropped and shown as an overrun', () => {
  const line = 'x'.repeat(UART_INPUT_LIMIT_BYTES)
  type(line)
  expect(read(LSR) & 2).toBe(0)
  type('y')
  write(IER, 4)
  expect([level, read(IIR) & 0xf, read(LSR) & 2]).toEqual([true, 6, 2])
  expect([level, uart.queuedBytes]).toEqual([false, UART_INPUT_LIMIT_BYTES])
})
