import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ucsdInstructionTable } from './instruction-table.ts'

it('the published table of II.0 instructions is that of the rows', async () => {
  await expect(ucsdInstructionTable()).toMatchFileSnapshot(
    join(import.meta.dirname, '../../../../docs/ucsd-instructions.md'),
  )
})
