#pragma once
#include "espalier/console.h"
#include "espalier/dispatcher.h"
#include "espalier/outputs.h"
#include "espalier/recorder.h"
#include "espalier/status.h"
#include "espalier/updater.h"

namespace espalier {

/** The node: boot → network → time → broker → running, and everything that happens meanwhile. A board makes one, calls begin() once and
 *  step() as often as it likes; it never blocks longer than a flash sector takes. */
class Node;

}  // namespace espalier
