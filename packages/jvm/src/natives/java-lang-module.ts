import type { JavaClass, Ref } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

/** What the machine knows of modules: which one each package of each loader is in. */
interface ModuleTable {
  readonly byPackage: Map<string, Ref>
  base: Ref
}
function tableOf(vm: Vm): ModuleTable {
  let table = vm.state.get('modules') as ModuleTable | undefined
  if (!table) {
    table = { byPackage: new Map(), base: null }
    vm.state.set('modules', table)
    vm.state.set('moduleOf', (cls: JavaClass) => moduleOf(vm, cls))
  }
  return table
}

/** The Module object of a class, null before there is one. */
function moduleOf(vm: Vm, cls: JavaClass): Ref {
  let c = cls
  while (c.element) c = c.element
  const table = tableOf(vm)
  if (c.primitive) return table.base
  const found = table.byPackage.get(`${c.loader.id}:${c.packageName}`)
  if (found !== undefined) return found
  if (c.loader.object === null) return (vm.state.get('bootUnnamedModule') as Ref | undefined) ?? table.base
  return vm.heap.get(c.loader.object, 'unnamedModule') as Ref
}

natives('java/lang/Module', {
  defineModule0: (vm: Vm, module: Ref, _open: number, _version: Ref, _location: Ref, packages: Ref) => {
    const table = tableOf(vm)
    const loader = vm.classes.loaderOf(vm.heap.get(module, 'loader') as Ref)
    for (const name of vm.heap.items(packages)) {
      table.byPackage.set(`${loader.id}:${vm.heap.text(name).replaceAll('.', '/')}`, module)
    }
    const isBase = table.base === null
    if (isBase) table.base = module
    // Classes that were there before their module.
    for (const cls of vm.classes.all()) {
      if (cls.mirror !== null && (isBase || cls.loader === loader)) {
        const now = vm.heap.get(cls.mirror, 'module') as Ref
        if (now === null || isBase) vm.heap.set(cls.mirror, 'module', moduleOf(vm, cls))
      }
    }
  },
  addReads0: () => undefined,
  addExports0: () => undefined,
  addExportsToAll0: () => undefined,
  addExportsToAllUnnamed0: () => undefined,
})
