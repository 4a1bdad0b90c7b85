#include "port/neighbor.h"

#include <algorithm>
#include <bit>

namespace serried::port {

Neighbors::Neighbors(unsigned entries) : entries_(std::bit_ceil(std::max(entries, probes))) {}

}  // namespace serried::port
