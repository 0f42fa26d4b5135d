import { readFileSync } from 'node:fs'
import { parseElf, EM_RISCV } from '@doppel/base'
import { createRiscvCpu } from '@doppel/riscv'
const mode = process.argv[2]
for (const n of process.argv.slice(3)) {
  const elf = parseElf(new Uint8Array(readFileSync(`/tmp/k/${n}.elf`)), { name: n, machine: EM_RISCV })
  let out = '',
    done = false
  const cpu = createRiscvCpu(
    {
      harts: 1,
      ramBase: 0x80000000,
      ramBytes: 64 << 20,
      time: () => 0n,
      bus: {
        read: () => 0n,
        write: (a, w, v) => {
          if (a === 0x10000000) out += String.fromCharCode(Number(v))
          else if (a === 0x100000) {
            done = true
            cpu.harts[0]!.stop()
          }
          return true
        },
      },
    },
    { translateAfter: mode === 't' ? Number(process.env.HEAT ?? 60) : 0 },
  )
  for (const s of elf.segments) cpu.memory.write(Number(s.physicalAddress), s.bytes)
  const h = cpu.harts[0]!
  h.start({ pc: elf.entry, privilege: 3, a0: 0n, a1: 0n })
  h.pmp
  const t = performance.now()
  while (!done) h.run(1000000)
  const dt = performance.now() - t
  console.log(
    n,
    out.trim(),
    (dt / 1000).toFixed(2) + 's',
    (Number(h.retired) / 1e6) | 0,
    'M',
    (Number(h.retired) / dt / 1e3).toFixed(0),
    'MIPS',
    JSON.stringify(cpu.engine.stats),
    JSON.stringify(cpu.stats),
  )
}
