import { execFileSync } from 'node:child_process'
import { installed } from '../installed.ts'

/** The program that judges. */
export const QEMU = 'qemu-system-riscv64'

/** The major version of the QEMU on the path; that of Debian 12 when there is none, which then judges nothing. */
export function qemuMajor(): number {
  if (installed(QEMU) !== undefined) return 7
  const said = execFileSync(QEMU, ['--version'], { encoding: 'utf8' })
  const version = /version (\d+)\./.exec(said)?.[1]
  if (version === undefined) throw new Error(`${QEMU} --version says ${JSON.stringify(said)}`)
  return Number(version)
}
