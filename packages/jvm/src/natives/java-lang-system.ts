import type { Field, Method, Ref } from '../runtime/classes.ts'
import { invoke, wait } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

function setStream(vm: Vm, name: string, stream: Ref): void {
  vm.heap.setStatic(vm.classes.boot('java/lang/System').declaredField(name) as Field, stream)
}

natives('java/lang/System', {
  setIn0: (vm: Vm, stream: Ref) => setStream(vm, 'in', stream),
  setOut0: (vm: Vm, stream: Ref) => setStream(vm, 'out', stream),
  setErr0: (vm: Vm, stream: Ref) => setStream(vm, 'err', stream),
  currentTimeMillis: (vm: Vm) => vm.host.clock.realtimeNs() / 1_000_000n,
  nanoTime: (vm: Vm) => BigInt(Math.floor(vm.host.clock.monotonicNs())),
  arraycopy: (vm: Vm, from: Ref, fromIndex: number, to: Ref, toIndex: number, count: number) =>
    vm.rt.arraycopy(from, fromIndex, to, toIndex, count),
  identityHashCode: (vm: Vm, object: Ref) => vm.rt.identityHash(object),
  mapLibraryName: (vm: Vm, name: Ref) => vm.heap.string(`lib${vm.heap.text(name)}.so`),
})

/** Order of the platform’s properties (jdk.internal.util.SystemProps.Raw), blanks where there is none. */
const PLATFORM: readonly string[] =
  'display.country display.language display.script display.variant file.encoding file.separator format.country format.language format.script format.variant ftp.nonProxyHosts ftp.proxyHost ftp.proxyPort http.nonProxyHosts http.proxyHost http.proxyPort https.proxyHost https.proxyPort java.io.tmpdir line.separator os.arch os.name os.version path.separator socksNonProxyHosts socksProxyHost socksProxyPort sun.arch.abi sun.arch.data.model sun.cpu.endian sun.cpu.isalist sun.io.unicode.encoding sun.jnu.encoding sun.os.patch.level sun.stderr.encoding sun.stdout.encoding user.dir user.home user.name'.split(
    ' ',
  )

const DEFAULTS: Readonly<Record<string, string>> = {
  'display.language': 'en',
  'file.encoding': 'UTF-8',
  'file.separator': '/',
  'java.io.tmpdir': '/tmp',
  'line.separator': '\n',
  'os.arch': 'amd64',
  'os.name': 'Linux',
  'os.version': '6.1',
  'path.separator': ':',
  'sun.arch.data.model': '64',
  'sun.cpu.endian': 'little',
  'sun.io.unicode.encoding': 'UnicodeLittle',
  'sun.jnu.encoding': 'UTF-8',
  'user.home': '/',
  'user.name': 'doppel',
}

natives('jdk/internal/util/SystemProps$Raw', {
  platformProperties: (vm: Vm) => {
    const value = (name: string): string | undefined =>
      vm.options.properties[name] ?? (name === 'user.dir' ? vm.host.workingFolder : DEFAULTS[name])
    return vm.heap.refArray(
      '[Ljava/lang/String;',
      PLATFORM.map(name => vm.heap.stringOrNull(value(name))),
    )
  },
  vmProperties: (vm: Vm) => {
    const fixed: Readonly<Record<string, string>> = {
      'java.home': vm.options.javaHome,
      'java.vm.specification.name': 'Java Virtual Machine Specification',
      'java.vm.specification.vendor': 'Oracle Corporation',
      'java.vm.specification.version': String(vm.maxMajor - 44),
      'java.vm.name': 'doppel',
      'java.vm.vendor': 'doppel',
      'java.vm.version': '0.1',
      'java.vm.info': 'compiled mode',
      'jdk.debug': 'release',
      'sun.nio.PageAlignDirectMemory': 'false',
      'sun.nio.MaxDirectMemorySize': '-1',
      'java.library.path': '',
      'sun.boot.library.path': `${vm.options.javaHome}/lib`,
      // Accessors generated as bytecode gain nothing here.
      'sun.reflect.inflationThreshold': '2147483647',
    }
    const all = { ...fixed, ...vm.options.properties }
    const items = Object.entries(all).flatMap(([key, value]) => [vm.heap.string(key), vm.heap.string(value)])
    return vm.heap.refArray('[Ljava/lang/String;', [...items, null, null])
  },
})

natives('java/lang/Runtime', {
  availableProcessors: () => 1,
  freeMemory: (vm: Vm) => BigInt(vm.options.maxHeapBytes - vm.heapLimit.usedBytes),
  totalMemory: (vm: Vm) => BigInt(vm.options.maxHeapBytes),
  maxMemory: (vm: Vm) => BigInt(vm.options.maxHeapBytes),
  *gc(vm: Vm) {
    vm.references.age()
    // The host lets go of what was used in this turn, and tells of what is gone, between turns.
    yield* wait(new Promise<void>(resolve => setTimeout(resolve, 0)))
    vm.host.heap?.collect()
    yield* wait(new Promise<void>(resolve => setTimeout(resolve, 0)))
  },
})

natives('jdk/internal/misc/VM', {
  initialize: () => undefined,
  getNanoTimeAdjustment: (vm: Vm, offsetSeconds: bigint) => vm.host.clock.realtimeNs() - offsetSeconds * 1_000_000_000n,
  latestUserDefinedLoader0: (vm: Vm) =>
    vm.traces.capture().find(f => f.method.owner.loader.object !== null)?.method.owner.loader.object ?? null,
  getRuntimeArguments: (vm: Vm) => vm.heap.refArray('[Ljava/lang/String;', []),
  getuid: () => 1000n,
  geteuid: () => 1000n,
  getgid: () => 1000n,
  getegid: () => 1000n,
})

natives('jdk/internal/misc/CDS', {
  isDumpingClassList0: () => 0,
  isDumpingArchive0: () => 0,
  isSharingEnabled0: () => 0,
  logLambdaFormInvoker: () => undefined,
  initializeFromArchive: () => undefined,
  defineArchivedModules: () => undefined,
  getRandomSeedForDumping: () => 0n,
})

natives('jdk/internal/misc/Signal', {
  findSignal0: (vm: Vm, name: Ref) => ({ HUP: 1, INT: 2, QUIT: 3, TERM: 15 })[vm.heap.text(name)] ?? -1,
  handle0: (vm: Vm, signal: number, handler: bigint) => vm.signals.handle(signal, handler),
  raise0: (vm: Vm, signal: number) => void vm.signals.raise(signal),
})
natives('java/lang/ProcessEnvironment', {
  environ: (vm: Vm) => {
    const bytes = (text: string): Ref => vm.heap.byteArray(new TextEncoder().encode(text))
    const items = Object.entries(vm.host.environment).flatMap(([key, value]) => [bytes(key), bytes(value)])
    return vm.heap.refArray('[[B', items)
  },
})
natives('java/lang/ProcessHandleImpl', {
  initNative: () => undefined,
  isAlive0: () => 0n,
})
natives('java/util/TimeZone', {
  getSystemTimeZoneID: (vm: Vm) => vm.heap.string(vm.options.properties['user.timezone'] ?? 'UTC'),
  getSystemGMTOffsetID: (vm: Vm) => vm.heap.string('GMT'),
})
natives('jdk/internal/perf/Perf', {
  // Counters are kept where nobody reads them.
  *createLong(vm: Vm) {
    const buffer = vm.classes.boot('java/nio/ByteBuffer')
    yield* vm.linker.initialize(buffer)
    const allocate = buffer.declared('allocateDirect', '(I)Ljava/nio/ByteBuffer;') as Method
    return (yield* invoke(allocate, 8)) as Ref
  },
  highResCounter: (vm: Vm) => BigInt(Math.floor(vm.host.clock.monotonicNs())),
  highResFrequency: () => 1_000_000_000n,
})
natives('jdk/internal/vm/VMSupport', { getVMTemporaryDirectory: (vm: Vm) => vm.heap.string('/tmp') })
natives('java/io/Console', { encoding: () => null, echo: () => 0, ttyStatus: () => 0 })
