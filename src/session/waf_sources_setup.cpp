#include "session/waf_sources.h"

#include <bit>

#include "base/setup.h"

namespace serried::session {

SERRIED_SETUP BucketTable::BucketTable(std::size_t entries) : sets_(std::bit_ceil((entries + 3) / 4)) {}

SERRIED_SETUP ScoreTable::ScoreTable(std::size_t entries, Nanos half_life)
    : sets_(std::bit_ceil((entries + 1) / 2)), fades_per_ns_(1.0F / static_cast<float>(half_life)) {}

}  // namespace serried::session
