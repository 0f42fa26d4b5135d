/** What a debugger and error messages need to know of a variable's type to show its value. */
export type TypeSymbol =
  | { readonly kind: 'integer' | 'char' | 'boolean'; readonly bytes: number }
  | { readonly kind: 'real' | 'unknown' }
  | { readonly kind: 'enumeration'; readonly bytes: number; readonly names: readonly string[] }
  | { readonly kind: 'pointer'; readonly target: () => TypeSymbol }
  | { readonly kind: 'set'; readonly bytes: number; readonly element: TypeSymbol }
  | {
      readonly kind: 'array'
      readonly low: number
      readonly high: number
      readonly elementBytes: number
      readonly element: TypeSymbol
    }
  | { readonly kind: 'record'; readonly fields: readonly FieldSymbol[] }
  | { readonly kind: 'string'; readonly bytes: number }
  | { readonly kind: 'file'; readonly component: TypeSymbol }
  | { readonly kind: 'procedure' }

/** A field of a record: its name, its offset in bytes and its type. */
export interface FieldSymbol {
  readonly name: string
  readonly offset: number
  readonly type: TypeSymbol
}
