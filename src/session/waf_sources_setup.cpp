#include "session/waf_sources.h"

#include <bit>

namespace serried::session {

BucketTable::BucketTable(std::size_t entries) : sets_(std::bit_ceil((entries + 3) / 4)) {}

ScoreTable::ScoreTable(std::size_t entries, Nanos half_life)
    : sets_(std::bit_ceil((entries + 1) / 2)), fades_per_ns_(1.0F / static_cast<float>(half_life)) {}

}  // namespace serried::session
