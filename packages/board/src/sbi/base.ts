import { type SbiExtension, type SbiFunction, success } from './abi.ts'

/** Base extension, SBI 2.0 §4. */
const BASE: SbiExtension = { name: 'BASE', id: 0x10 }

/** Version 2.0: minor in bits 23:0, major in 30:24. */
const SPEC_VERSION = 2n << 24n
/** No registered implementation's number: "dopp" in ASCII. */
const IMPLEMENTATION_ID = 0x646f_7070n
const IMPLEMENTATION_VERSION = 1n

/** The rows of BASE. None of them can fail. */
export const baseFunctions: readonly SbiFunction[] = [
  { extension: BASE, name: 'get_spec_version', functionId: 0, run: () => success(SPEC_VERSION) },
  { extension: BASE, name: 'get_impl_id', functionId: 1, run: () => success(IMPLEMENTATION_ID) },
  { extension: BASE, name: 'get_impl_version', functionId: 2, run: () => success(IMPLEMENTATION_VERSION) },
  {
    extension: BASE,
    name: 'probe_extension',
    functionId: 3,
    run: (platform, _caller, [extensionId]) => success(platform.implements(extensionId) ? 1 : 0),
  },
  {
    extension: BASE,
    name: 'get_mvendorid',
    functionId: 4,
    run: (_platform, { hart }) => success(hart.readCsr('mvendorid')),
  },
  {
    extension: BASE,
    name: 'get_marchid',
    functionId: 5,
    run: (_platform, { hart }) => success(hart.readCsr('marchid')),
  },
  { extension: BASE, name: 'get_mimpid', functionId: 6, run: (_platform, { hart }) => success(hart.readCsr('mimpid')) },
]
