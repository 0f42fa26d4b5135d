/** What a debugger and error messages need to know of a variable's type to show its value. */
export type TypeSymbol =
  | { readonly kind: 'integer' | 'char' | 'boolean'; readonly bytes: number }
  | { readonly kind: 'real' | 'unknown' }
  | { readonly kind: 'enumeration'; readonly bytes: number; readonly names: readonly string[] }
  /** A reference is a variable parameter: what it leads to is what is meant. */
  | { readonly kind: 'pointer' | 'reference'; readonly target: () => TypeSymbol }
  | { readonly kind: 'set'; readonly bytes: number; readonly element: TypeSymbol }
  | {
      readonly kind: 'array'
      readonly low: number
      readonly high: number
      readonly elementBytes: number
      readonly element: TypeSymbol
      /** The type of its indexes. */
      readonly index: TypeSymbol
    }
  | {
      /** An array whose bounds are words of the frame that it is a parameter in. */
      readonly kind: 'conformant'
      readonly lowOffset: number
      readonly highOffset: number
      /** Undefined where the element is of such a type too. */
      readonly elementBytes: number | undefined
      readonly element: TypeSymbol
      readonly index: TypeSymbol
    }
  | { readonly kind: 'record'; readonly fields: readonly FieldSymbol[] }
  | { readonly kind: 'string'; readonly bytes: number }
  | { readonly kind: 'long'; readonly digits: number }
  | { readonly kind: 'file'; readonly component: TypeSymbol }
  | { readonly kind: 'procedure' }

/** A field of a record: its name, its offset in bytes and its type. */
export interface FieldSymbol {
  readonly name: string
  readonly offset: number
  readonly type: TypeSymbol
  /** For a field of a variant: the values of the tag for which it is there, and where the tag is; undefined where none is stored. */
  readonly variant?: { readonly labels: readonly number[]; readonly tag: FieldSymbol | undefined }
}
