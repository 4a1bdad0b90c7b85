#include "guard/sources.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/setup.h"

namespace serried::guard {

SERRIED_SETUP BucketTable::BucketTable(std::size_t entries) : sets_(std::bit_ceil((entries + 3) / 4)) {}

SERRIED_SETUP ScoreTable::ScoreTable(std::size_t entries, Nanos half_life)
    : sets_(std::bit_ceil((entries + 1) / 2)), fades_per_ns_(1.0F / static_cast<float>(half_life)) {}

bool BucketTable::take(std::uint64_t key, const RateLimit& limit, Nanos now) noexcept {
  if (limit.interval == 0) return true;
  Set& set = sets_[key & (sets_.size() - 1)];
  Bucket* place = &set.bucket[0];
  for (Bucket& bucket : set.bucket) {
    if (bucket.key == key) {
      place = &bucket;
      break;
    }
    if (bucket.next < place->next) place = &bucket;
  }
  if (place->key != key) *place = {key, 0};
  if (place->next > now + limit.tolerance) return false;
  place->next = std::max(place->next, now) + limit.interval;
  return true;
}

Nanos BucketTable::due(std::uint64_t key) const noexcept {
  for (const Bucket& bucket : sets_[key & (sets_.size() - 1)].bucket)
    if (bucket.key == key) return bucket.next;
  return 0;
}

float ScoreTable::faded(const Source& source, Nanos now) const noexcept {
  return source.score * std::exp2(-fades_per_ns_ * static_cast<float>(now - std::min(source.at, now)));
}

ScoreTable::Source& ScoreTable::penalize(std::uint64_t key, float weight, Nanos now) noexcept {
  Set& set = sets_[key & (sets_.size() - 1)];
  Source* place = nullptr;
  float least = 0;
  for (Source& source : set.source) {
    const float score = faded(source, now);
    if (source.key == key) {
      source.score = score + weight;
      source.at = now;
      return source;
    }
    // Repeaters are worth remembering longer than what merely stood in a flood: each strike counts as a ban's score.
    const float worth = score * static_cast<float>(1 + source.strikes);
    if (place == nullptr || worth < least) {
      place = &source;
      least = worth;
    }
  }
  *place = {key, weight, 0, now};
  return *place;
}

}  // namespace serried::guard
