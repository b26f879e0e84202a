import { fileURLToPath } from 'node:url'

/** The machines the portable core is compiled for: which compiler, which flags, and what that shows. */
export interface Target {
  /** Before `gcc` and `g++`, or clang's two. */
  readonly prefix: string
  readonly cxxFlags: readonly string[]
  readonly cFlags: readonly string[]
  readonly linkFlags: readonly string[]
  /** After the objects. */
  readonly libraries: readonly string[]
  readonly linkedBy: 'c' | 'c++'
}

export const compilers = (target: Target): { cc: string; cxx: string } => ({
  cc: target.prefix === 'clang' ? 'clang-19' : `${target.prefix}gcc`,
  cxx: target.prefix === 'clang' ? 'clang++-19' : `${target.prefix}g++`,
})

const platform = fileURLToPath(new URL('../../firmware/test/platform', import.meta.url))

export const strict = [
  ...['-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wsign-conversion', '-Wshadow', '-Wformat=2'],
  ...['-Wdouble-promotion', '-Werror', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics'],
]
const sanitized = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']

/** This machine, under the sanitizers. */
export const checked: Target = {
  prefix: '',
  cxxFlags: [...strict, ...sanitized],
  cFlags: sanitized,
  linkFlags: sanitized,
  libraries: [],
  linkedBy: 'c++',
}

/** 32 bits, under the sanitizers: `size_t` and `long` as wide as on the board, `char` unsigned, `time_t` of 64 bits. */
const narrow = ['-m32', '-funsigned-char', '-D_FILE_OFFSET_BITS=64', '-D_TIME_BITS=64', ...sanitized]
export const narrowed: Target = {
  ...checked,
  cxxFlags: [...strict, ...narrow],
  cFlags: narrow,
  linkFlags: narrow,
}

/** This machine, for libFuzzer: what a branch compares is told to it. */
const fuzzable = ['-O2', '-g', '-fsanitize=fuzzer-no-link,address,undefined', '-fno-sanitize-recover=all']
export const fuzzed: Target = {
  prefix: 'clang',
  cxxFlags: ['-std=c++17', '-Wall', '-Wextra', '-Werror', '-fno-exceptions', '-fno-rtti', ...fuzzable],
  cFlags: fuzzable,
  linkFlags: ['-fsanitize=fuzzer,address,undefined'],
  libraries: [],
  linkedBy: 'c++',
}

/** ARM, whose data model is the ESP32's to the last type: `int32_t` is `long`, `char` unsigned, `alignof(int64_t)` 8. */
export const arm: Target = {
  prefix: 'arm-none-eabi-',
  cxxFlags: [...strict, '-Os'],
  cFlags: ['-Os', '-Wall'],
  linkFlags: ['--specs=rdimon.specs'],
  libraries: [],
  linkedBy: 'c',
}

/** Xtensa, of Debian's compiler for the ESP8266: not the ESP32's own core (no windowed registers, no FPU), so sizes and stack frames are
 *  a bound of the right order. */
const xtensaFlags = [
  '--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs',
  ...['-mlongcalls', '-mtext-section-literals', '-ffunction-sections', '-fdata-sections', '-Os'],
]
const newlib = '/usr/include/newlib/c++/12.2.1'
export const xtensa: Target = {
  prefix: 'xtensa-lx106-elf-',
  cxxFlags: [
    ...xtensaFlags,
    ...strict,
    ...['-nostdinc++', '-isystem', newlib, '-isystem', `${newlib}/arm-none-eabi`, '-fstack-usage'],
  ],
  cFlags: [...xtensaFlags, '-Wall'],
  linkFlags: [...xtensaFlags, '-nostartfiles', '-Wl,--no-warn-rwx-segments', '-T', `${platform}/xtensa.ld`],
  libraries: ['-lc', '-lgcc'],
  linkedBy: 'c',
}
