import { readFileSync, readdirSync } from 'node:fs'
import { parseElf, EM_RISCV } from '@doppel/base'
import { createRiscvCpu } from '@doppel/riscv'
const mode = process.argv[2],
  pat = new RegExp(process.argv[3] ?? '.')
let ok = 0,
  bad: string[] = []
for (const n of readdirSync('/tmp/rt/bin')
  .filter(n => pat.test(n))
  .sort()) {
  const elf = parseElf(new Uint8Array(readFileSync('/tmp/rt/bin/' + n)), { name: n, machine: EM_RISCV })
  const cpu = createRiscvCpu(
    {
      harts: 1,
      ramBase: 0x80000000,
      ramBytes: 16 << 20,
      time: () => 0n,
      bus: { read: () => undefined, write: () => false },
    },
    { translateAfter: mode === 't' ? Number(process.env.HEAT ?? 60) : 0 },
  )
  for (const s of elf.segments) cpu.memory.write(Number(s.physicalAddress), s.bytes)
  const tohost = elf.symbols.find(s => s.name === 'tohost')!.value
  const h = cpu.harts[0]!
  h.start({ pc: elf.entry, privilege: 3, a0: 0n, a1: 0n })
  let r = 0n
  const b = new Uint8Array(8)
  let i = 0
  try {
    for (; i < 2000; i++) {
      const e = h.run(10000)
      cpu.memory.read(Number(tohost), b)
      r = new DataView(b.buffer).getBigUint64(0, true)
      if (r || e !== 'budget') break
    }
  } catch (e) {
    bad.push(n + ' ' + (e as Error).stack?.slice(0, 600))
    continue
  }
  if (r === 1n) ok++
  else
    bad.push(
      `${n} tohost=${r} (test ${r >> 1n}) pc=${h.pc.toString(16)} retired=${h.retired} mcause=${h.get('mcause')} mepc=${h.get('mepc').toString(16)} mtval=${h.get('mtval').toString(16)}`,
    )
}
console.log(ok, 'ok', bad.length, 'bad')
console.log(bad.slice(0, 25).join('\n'))
