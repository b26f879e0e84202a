/* What g++ expects of a C++ library: no destructor of ours needs to run at exit, and no pure function is ever called. */
#include <stdlib.h>

int __cxa_atexit(void (*destructor)(void *), void *object, void *handle) {
  (void)destructor, (void)object, (void)handle;
  return 0;
}

void __cxa_pure_virtual(void) { abort(); }
