import { readFileSync } from 'node:fs'

/** When a process was started, in the kernel's words; undefined when there is none with this number. */
export function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      process.kill(pid, 0)
      return 'there'
    }
    // proc(5): the 22nd field; the second, the name, may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    // No such process, which is an answer.
    return undefined
  }
}
