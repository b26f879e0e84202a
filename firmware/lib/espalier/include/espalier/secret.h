#pragma once
#include "espalier/text.h"

namespace espalier {

/** Overwrites what held a secret; no compiler leaves it out. */
inline void wipe(void* bytes, size_t size) {
  volatile uint8_t* at = static_cast<volatile uint8_t*>(bytes);
  for (size_t i = 0; i < size; i++) at[i] = 0;
}

}  // namespace espalier
