import type { DebugTarget } from '@doppel/base'

/** A machine's registers, as GDB reads them (GDB manual, appendix G). */
export function targetXml({ architecture, features }: Pick<DebugTarget, 'architecture' | 'features'>): string {
  const described = features.map(({ name, registers }) => {
    const lines = registers.map(({ name: register, bits, type = 'int', group }) => {
      const listed = group === undefined ? '' : ` group="${group}"`
      return `    <reg name="${register}" bitsize="${bits}" type="${type}"${listed}/>`
    })
    return `  <feature name="${name}">\n${lines.join('\n')}\n  </feature>`
  })
  return `<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target version="1.0">
  <architecture>${architecture}</architecture>
${described.join('\n')}
</target>
`
}
