import type { CharPort } from '@doppel/base'
import type { Uart16550 } from '@doppel/devices'
import type { SbiConsole } from './abi.ts'

const UART_LINE_STATUS = 5
const UART_DATA_READY = 1

/** The SBI's console: output goes straight to the port; input is taken from the UART, which owns what has been typed. */
export function debugConsole(port: CharPort, uart: Uart16550): SbiConsole {
  return {
    write: bytes => port.write(bytes),
    read: limitBytes => {
      const bytes: number[] = []
      while (bytes.length < limitBytes && (uart.read(UART_LINE_STATUS, 1) & UART_DATA_READY) !== 0) {
        bytes.push(uart.read(0, 1))
      }
      return Uint8Array.from(bytes)
    },
  }
}
