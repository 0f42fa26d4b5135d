/** Access and property flags (JVMS §4.1, §4.5, §4.6), by the names of the specification. */
export const ACC_PUBLIC = 0x0001
export const ACC_PRIVATE = 0x0002
export const ACC_PROTECTED = 0x0004
export const ACC_STATIC = 0x0008
export const ACC_FINAL = 0x0010
export const ACC_SUPER = 0x0020
export const ACC_SYNCHRONIZED = 0x0020
export const ACC_VOLATILE = 0x0040
export const ACC_NATIVE = 0x0100
export const ACC_INTERFACE = 0x0200
export const ACC_ABSTRACT = 0x0400
export const ACC_SYNTHETIC = 0x1000
export const ACC_ANNOTATION = 0x2000
export const ACC_ENUM = 0x4000
export const ACC_MODULE = 0x8000
