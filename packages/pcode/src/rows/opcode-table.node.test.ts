import { join } from 'node:path'
import { expect, it } from 'vitest'
import { opcodeTable } from './opcode-table.ts'

it('the published table of instructions is that of the rows', async () => {
  await expect(opcodeTable()).toMatchFileSnapshot(join(import.meta.dirname, '../../../../docs/p-code-instructions.md'))
})
