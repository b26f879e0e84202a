/* Start-up and output of units that run as Xtensa code in QEMU: the C library's own start sets no stack pointer. Semihosting is the
   instruction simcall: a2 = 1 ends with the code in a3, a2 = 4 writes a5 bytes at a4 to the descriptor in a3. */
#include <stddef.h>
#include <stdint.h>

extern char __bss_start[], __bss_end[];
extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
int run_units(void);

__asm__(
    ".section .text.init.enter, \"ax\"\n"
    ".global _start\n"
    ".align 4\n"
    "_start:\n"
    "  j 1f\n"
    "  .align 4\n"
    "  .literal_position\n"
    "1:\n"
    "  movi a1, __stack\n"
    "  movi a0, begin\n"
    "  callx0 a0\n"
    ".text\n");

static void simcall(int32_t what, int32_t a, const void *b, size_t c) {
  register int32_t a2 __asm__("a2") = what;
  register int32_t a3 __asm__("a3") = a;
  register const void *a4 __asm__("a4") = b;
  register size_t a5 __asm__("a5") = c;
  __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
}

void write_text(const char *text, size_t size) { simcall(4, 1, text, size); }

void abort(void) {
  for (;;) simcall(1, 134, NULL, 0);
}

void __cxa_pure_virtual(void) { abort(); }

int __cxa_atexit(void (*destructor)(void *), void *object, void *handle) {
  (void)destructor, (void)object, (void)handle;
  return 0;
}

void *__dso_handle = 0;

__attribute__((used)) void begin(void) {
  for (char *byte = __bss_start; byte < __bss_end; byte++) *byte = 0;
  for (void (**init)(void) = __init_array_start; init < __init_array_end; init++) (*init)();
  simcall(1, run_units(), NULL, 0);
  abort();
}
