import type { RandomSource } from '@doppel/testkit'

type Type = 'int' | 'long' | 'float' | 'double' | 'byte' | 'short' | 'char' | 'boolean'
const NUMBERS: readonly Type[] = ['int', 'long', 'float', 'double', 'byte', 'short', 'char']
const WHOLE: readonly Type[] = ['int', 'long', 'byte', 'short', 'char']
const MAX_DEPTH = 4

/** Interesting constants of each type, as Java writes them. */
const CONSTANTS: Readonly<Record<Type, readonly string[]>> = {
  int: ['0', '1', '-1', '5', '-7', '100', '1000', '70000', 'Integer.MAX_VALUE', 'Integer.MIN_VALUE', '0x55555555'],
  long: ['0L', '1L', '-1L', '3L', '1000000007L', 'Long.MAX_VALUE', 'Long.MIN_VALUE', '0x123456789abcdefL'],
  float: ['0f', '1f', '2f', '-0.0f', '1.5f', '3e38f', '1e-40f', 'Float.NaN', 'Float.POSITIVE_INFINITY'],
  double: ['0.0', '1.0', '-0.0', '2.5', '1e300', '5e-324', 'Double.NaN', 'Double.NEGATIVE_INFINITY', '1e10'],
  byte: ['(byte) 1', '(byte) -128', '(byte) 127'],
  short: ['(short) 300', '(short) -32768'],
  char: ["'a'", "'\\uffff'", "'0'"],
  boolean: ['true', 'false'],
}

/** Methods whose variables are in each of the places that have instructions of their own. */
const VARIABLES = `  static int a0() { return si; }
  static int ints(int a, int b, int c, int d) { a += b * 2; b -= a; c *= b; d ^= c; int e = a; a = d; b = e + a; c = b; d = c - e; return a + b + c + d; }
  static float floats(float a, float b, float c, float d) { a += b; b -= a; c *= b; d /= c; return a + b + c + d; }
  static long longs(long a, long b) { a += b; b -= a; return a * b; }
  static long longs(int p, long a, long b) { a += p; b -= a; return a * b; }
  static double doubles(double a, double b) { a += b; b -= a; return a * b; }
  static double doubles(int p, double a, double b) { a += p; b -= a; return a * b; }
`

/** Makes Java programs that print what they compute: every operator on every type, and every exception of the language. */
export class JavaGenerator {
  readonly #random: RandomSource

  constructor(random: RandomSource) {
    this.#random = random
  }
  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T
  }

  /** A class with this many methods, and a main method that calls each with several arguments. */
  program(name: string, methods: number): string {
    const bodies = Array.from({ length: methods }, (_, i) => this.#method(i))
    const calls = Array.from({ length: methods }, (_, i) => `    call(${i}, () -> m${i}(a, b, c, d));`)
    return `import java.util.*;
import java.util.function.*;
public class ${name} {
  static int si = 3; static long sl = 4; static float sf = 1.5f; static double sd = 2.25;
  static byte sb = 5; static short ss = 6; static char sc = 'c'; static boolean sz;
  int fi = 3; long fl = 4; float ff = 1.5f; double fd = 2.25; byte fb = 5; short fs = 6; char fc = 'c'; boolean fz;
  static final ${name} ME = new ${name}();
  static int[] ai = {1, 2, 3, 4}; static long[] al = {5, 6, 7, 8}; static float[] af = {1, 2, 3, 4};
  static double[] ad = {1, 2, 3, 4}; static byte[] ab = {1, 2, 3, 4}; static short[] as = {1, 2, 3, 4};
  static char[] ac = {'a', 'b', 'c', 'd'}; static boolean[] az = {true, false, true, false};
  static Object[] objects = {"text", 1, 2L, null, new int[2], 'x'};
  interface Calc { Object calc(); }
  static void call(int n, Calc calc) {
    String result;
    try { Object o = calc.calc(); result = show(o); }
    catch (ArithmeticException | ClassCastException | IndexOutOfBoundsException | NullPointerException | NegativeArraySizeException | ArrayStoreException e) {
      result = e.getClass().getName() + ": " + e.getMessage();
    }
    System.out.println(n + " " + result);
  }
  static String show(Object o) {
    if (o instanceof Float) return "f" + Integer.toHexString(Float.floatToIntBits((Float) o));
    if (o instanceof Double) return "d" + Long.toHexString(Double.doubleToLongBits((Double) o));
    return o + "";
  }
${VARIABLES}${bodies.join('\n')}
  static void all(int a, long b, float c, double d) {
${calls.join('\n')}
  }
  public static void main(String[] args) {
    System.out.println(ints(a0(), 2, 3, 4) + longs(1, 2) + longs(1, 2L, 3L) + show(floats(1, 2, 3, 4)) + show(doubles(1, 2)) + show(doubles(1, 2.0, 3.0)));
    all(1, 2L, 3f, 4.0); all(-5, 1L << 40, -0.5f, 1e18); all(0, 0L, 0f, 0.0); all(Integer.MIN_VALUE, -1L, Float.NaN, -1.0);
    System.out.println(Arrays.toString(ai) + Arrays.toString(al) + Arrays.toString(ab) + Arrays.toString(as) + (int) sc);
  }
}
`
  }

  #method(i: number): string {
    const type = this.#pick(NUMBERS)
    const statements = Array.from({ length: 2 + this.#random.below(4) }, () => this.#statement())
    return `  static Object m${i}(int a, long b, float c, double d) {
    int x = a; long y = b; float u = c; double v = d;
${statements.map(s => `    ${s}`).join('\n')}
    return (${type}) (${this.#number(MAX_DEPTH)});
  }`
  }

  #statement(): string {
    switch (this.#random.below(11)) {
      case 0:
        return `for (int i = 0; i < 5; i++) { x += ${this.#as('int', 2)}; if (x == ${this.#as('int', 1)}) continue; if (${this.#truth(1)}) break; }`
      case 1:
        return `switch (x & 7) { case 0: x++; case 1: y--; break; case 2: u *= 2; break; case 5: v /= 3; break; default: x ^= 9; }`
      case 2:
        return `switch (x) { case -1000: x = 1; break; case 100000: x = 2; break; case 7: x = 3; break; default: y += x; }`
      case 3:
        return `try { x = ${this.#as('int', 3)} / ${this.#as('int', 1)}; } catch (ArithmeticException e) { x = -3; } finally { y++; }`
      case 4:
        return `synchronized (ME) { ${this.#assignment()} }`
      case 5:
        return `{ int k = 0; do { y >>>= 3; ${this.#assignment()} } while (y > 1000 && k++ < 9); }`
      case 6:
        return `{ Object o = objects[(x & 15) % 6]; if (o instanceof String) x += ((String) o).length(); else if (o instanceof Integer) x -= (Integer) o; else if (x > 1 << 28) x = ((int[]) o).length; }`
      case 7:
        return `{ int[][] m = new int[2][(x & 3)]; x += m.length + m[1].length; long[][][] n = new long[2][2][]; y += n[1].length; }`
      case 8:
        return `if (${this.#truth(2)}) { ${this.#assignment()} } else { ${this.#assignment()} }`
      case 9:
        return `{ IntBinaryOperator op = (p, q) -> p * 31 + q; x = op.applyAsInt(x, (int) y); Supplier<String> s = () -> "s" + d; x += s.get().length(); }`
      default:
        return this.#assignment()
    }
  }
  /** An assignment to something, whose old value or new value may be used as well. */
  #assignment(): string {
    const [target, type] = this.#target()
    const value = (depth: number): string => `(${type}) (${this.#number(depth)})`
    switch (this.#random.below(4)) {
      case 0:
        return `${target} = ${value(3)};`
      case 1:
        return `v += ${target}${this.#pick(['++', '--'])};`
      case 2:
        return `y += (long) (${target} ${this.#pick(['+=', '-=', '*='])} ${value(2)});`
      default:
        return WHOLE.includes(type)
          ? `x = (int) (${target} ${this.#pick(['&=', '|=', '^=', '<<=', '>>=', '>>>='])} ${this.#as('int', 2)});`
          : `v = ${target} = ${value(2)};`
    }
  }
  #target(): readonly [string, Type] {
    const type = this.#pick(NUMBERS)
    const letter = type[0] as string
    const index = `${this.#as('int', 1)} & 3`
    const options = [`s${letter}`, `ME.f${letter}`, `a${letter}[${index}]`]
    return [this.#pick(options), type]
  }

  /** A number of some type. */
  #number(depth: number): string {
    return this.#as(this.#pick(NUMBERS), depth)
  }
  /** An expression of a type. */
  #as(type: Type, depth: number): string {
    if (depth <= 0 || this.#random.below(8) === 0) return this.#leaf(type)
    if (type === 'boolean') return this.#truth(depth)
    const wide = type === 'byte' || type === 'short' || type === 'char' ? 'int' : type
    const cast = (text: string): string => (wide === type ? `(${text})` : `((${type}) (${text}))`)
    switch (this.#random.below(8)) {
      case 0:
        return `((${type}) ${this.#number(depth - 1)})`
      case 1:
        return `(${this.#truth(depth - 1)} ? ${this.#as(type, depth - 1)} : ${this.#as(type, depth - 1)})`
      case 2:
        return cast(`-(${this.#as(wide, depth - 1)})`)
      case 3:
        if (wide === 'int' || wide === 'long') {
          const shift = `${this.#as(wide, depth - 1)} ${this.#pick(['<<', '>>', '>>>'])} ${this.#as(this.#pick(['int', 'long']), depth - 1)}`
          return cast(shift)
        }
        return cast(`${this.#as(wide, depth - 1)} % ${this.#as(wide, depth - 1)}`)
      case 4:
        if (wide === 'int' || wide === 'long') {
          return cast(`${this.#as(wide, depth - 1)} ${this.#pick(['&', '|', '^'])} ${this.#as(wide, depth - 1)}`)
        }
        return cast(`${this.#as(wide, depth - 1)} / ${this.#as(wide, depth - 1)}`)
      case 5:
        return cast(`${this.#as(wide, depth - 1)} ${this.#pick(['/', '%'])} (${this.#as(wide, depth - 1)})`)
      default:
        return cast(`${this.#as(wide, depth - 1)} ${this.#pick(['+', '-', '*'])} ${this.#as(wide, depth - 1)}`)
    }
  }
  #leaf(type: Type): string {
    const letter = type === 'boolean' ? 'z' : (type[0] as string)
    const named: Readonly<Partial<Record<Type, readonly string[]>>> = {
      int: ['a', 'x'],
      long: ['b', 'y'],
      float: ['c', 'u'],
      double: ['d', 'v'],
    }
    // An index that may be out of bounds.
    const element = `a${letter}[x ${this.#pick(['& 3', '& 3', '& 3', '& 7'])}]`
    return this.#pick([...(named[type] ?? []), ...CONSTANTS[type], `s${letter}`, `ME.f${letter}`, element])
  }
  #truth(depth: number): string {
    if (depth <= 0) return this.#leaf('boolean')
    switch (this.#random.below(5)) {
      case 0:
        return `(${this.#truth(depth - 1)} ${this.#pick(['&&', '||', '^', '&', '|'])} ${this.#truth(depth - 1)})`
      case 1:
        return `!${this.#truth(depth - 1)}`
      case 2:
        return `(objects[${this.#as('int', 1)} & 3] ${this.#pick(['==', '!='])} ${this.#pick(['null', 'objects[0]'])})`
      default: {
        const type = this.#pick(['int', 'long', 'float', 'double'] as const)
        return `(${this.#as(type, depth - 1)} ${this.#pick(['<', '<=', '>', '>=', '==', '!='])} ${this.#as(type, depth - 1)})`
      }
    }
  }
}
