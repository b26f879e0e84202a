#pragma once
#include "espalier/text.h"

namespace espalier {
namespace host {

/** What of an answer's head matters to a download. */
struct HttpHead {
  int status = 0;
  bool hasLength = false;
  uint64_t length = 0;
  /** It comes in chunks, or compressed: we asked for neither. */
  bool coded = false;
  bool hasRange = false;
  uint64_t rangeFrom = 0;
};

/** False: no head of HTTP/1.0 or 1.1, or one whose numbers are none. `text`: up to the last line's end, without the empty line. */
[[nodiscard]] bool readHttpHead(Text text, HttpHead& out);

}  // namespace host
}  // namespace espalier
