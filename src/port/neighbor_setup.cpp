#include "port/neighbor.h"

#include <algorithm>
#include <bit>

#include "base/setup.h"

namespace serried::port {

SERRIED_SETUP Neighbors::Neighbors(unsigned entries) : entries_(std::bit_ceil(std::max(entries, probes))) {}

}  // namespace serried::port
