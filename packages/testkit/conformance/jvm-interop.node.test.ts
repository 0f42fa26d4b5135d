import { type JavaObject, JavaException, JavaVm } from 'doppel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// The library is OpenJDK's own: what its documentation says of it is what must come back.
let vm: JavaVm
beforeAll(async () => {
  vm = await JavaVm.create({ network: 'none', properties: { greeting: 'hello' } })
}, 120_000)
afterAll(() => vm.stop())

interface List {
  add(value: string | number): boolean
  size(): number
  get(index: number): string
  forEach(each: (item: string | number) => void): void
}

describe('calls from TypeScript', { timeout: 120_000 }, () => {
  test('objects are made and used; values keep their kinds', async () => {
    const ArrayList = await vm.java.type<List>('java.util.ArrayList')
    const list = await ArrayList.new()
    expect([await list.call('add', 'x'), await list.call('add', 5), await list.call('size')]).toEqual([true, true, 2])
    expect([await list.call('get', 0), await list.text(), list.className]).toEqual([
      'x',
      '[x, 5]',
      'java.util.ArrayList',
    ])
    expect(list.isA(await vm.java.type('java.util.List'))).toBe(true)
  })

  test.each([
    ['java.lang.Math', 'max', [3, 4], 4],
    ['java.lang.Math', 'max', [3.5, 4], 4],
    ['java.lang.Math', 'abs', [-5n], 5n],
    ['java.lang.Math', 'round', [2.5], 3n],
    ['java.lang.Integer', 'parseInt', ['42'], 42],
    ['java.lang.Character', 'toUpperCase', ['x'], 'X'],
    ['java.lang.Boolean', 'logicalXor', [true, false], true],
    ['java.lang.String', 'join', ['-', ['a', 'b']], 'a-b'],
    ['java.lang.System', 'getProperty', ['greeting'], 'hello'],
    ['java.util.Arrays', 'copyOf', [Uint8Array.of(1, 2), 3], Uint8Array.of(1, 2, 0)],
  ] as const)('%s.%s(%o) is %o', async (name, method, args, expected) => {
    const type = await vm.java.type(name)
    expect(await type.call(method, ...args)).toEqual(expected)
  })

  test('static fields are read, arrays show their elements', async () => {
    expect(await (await vm.java.type('java.lang.Long')).get('MAX_VALUE')).toBe(9_223_372_036_854_775_807n)
    const Arrays = await vm.java.type('java.util.Arrays')
    const copy = (await Arrays.call('copyOf', [1, 2, 3], 4)) as JavaObject
    expect(copy.items()).toEqual([1, 2, 3, 0])
    const point = await (await vm.java.type('java.util.concurrent.atomic.AtomicInteger')).new(7)
    expect([await point.call('incrementAndGet'), point.items()]).toEqual([8, undefined])
  })

  test('an exception arrives with its class, message and frames', async () => {
    const Integer = await vm.java.type('java.lang.Integer')
    const error = await Integer.call('parseInt', 'x').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(JavaException)
    expect(error).toMatchObject({
      className: 'java.lang.NumberFormatException',
      message: 'java.lang.NumberFormatException: For input string: "x"',
      frames: expect.arrayContaining(['java.lang.Integer.parseInt']),
    })
  })

  test('what is not there says what is', async () => {
    const Integer = await vm.java.type('java.lang.Integer')
    await expect(Integer.call('parseInt', true)).rejects.toMatchObject({
      code: 'java.member',
      message: expect.stringContaining('expected int java.lang.Integer.parseInt('),
    })
    await expect(Integer.set('MAX_VALUE', 1)).rejects.toMatchObject({ code: 'java.member' })
    await expect(vm.java.type('no.Such')).rejects.toMatchObject({ className: 'java.lang.ClassNotFoundException' })
  })
})

describe('calls from Java', { timeout: 120_000 }, () => {
  test('a function is an interface with one method', async () => {
    const list = await (await vm.java.type<List>('java.util.ArrayList')).new()
    await list.call('add', 'a')
    await list.call('add', 2)
    const seen: unknown[] = []
    await list.call('forEach', item => void seen.push(item))
    expect(seen).toEqual(['a', 2])
  })

  test('an interface is implemented; promises are waited for, what is thrown is an exception there', async () => {
    const slow = await vm.java.implement('java.util.function.Function', {
      apply: async (x: number) => {
        await new Promise(resolve => setTimeout(resolve, 5))
        return x * 2
      },
    })
    const optional = (await (await vm.java.type('java.util.Optional')).call('of', 21)) as JavaObject
    expect(await ((await optional.call('map', slow)) as JavaObject).text()).toBe('Optional[42]')
    const failing = (): never => {
      throw new Error('no')
    }
    await expect(optional.call('ifPresent', failing)).rejects.toMatchObject({
      message: 'java.lang.RuntimeException: no',
    })
  })

  test('a function may call Java again, and calls run side by side', async () => {
    const Arrays = await vm.java.type('java.util.Arrays')
    const list = (await Arrays.call('asList', ['b', 'a', 'c'])) as JavaObject
    const order = await (await vm.java.type('java.lang.String')).get('CASE_INSENSITIVE_ORDER')
    const compare = async (a: string, b: string) => await (order as JavaObject).call('compare', b, a)
    await (await vm.java.type('java.util.Collections')).call('sort', list, compare)
    expect(await list.text()).toBe('[c, b, a]')
    const Thread = await vm.java.type('java.lang.Thread')
    const MathType = await vm.java.type('java.lang.Math')
    const asleep = Thread.call('sleep', 200)
    expect(await MathType.call('abs', -1)).toBe(1)
    await asleep
  })

  test('what a function gives must fit', async () => {
    const optional = (await (await vm.java.type('java.util.Optional')).call('of', 'x')) as JavaObject
    await expect(optional.call('filter', () => 'yes')).rejects.toMatchObject({
      className: 'java.lang.ClassCastException',
    })
  })
})

test('a program that ends the machine says so', { timeout: 120_000 }, async () => {
  await using other = await JavaVm.create({ network: 'none' })
  const System = await other.java.type('java.lang.System')
  await expect(System.call('exit', 3)).rejects.toMatchObject({ code: 'java.exit', details: { status: 3 } })
})
