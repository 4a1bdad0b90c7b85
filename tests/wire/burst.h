#pragma once
/// A burst with its own memory, for the tests of the wire's stages.

#include <cstring>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "wire/batch.h"
#include "wire/compose.h"
#include "wire/datagram.h"

namespace serried::wire {

inline constexpr std::uint64_t test_protocol_id = 0x3164656972726573;
inline constexpr Header sealed_header{.connection_id = 0x11223344, .channel = 0, .flags = flag::sealed, .sequence = 1};
inline constexpr Header clear_header{.connection_id = 0, .channel = 0, .flags = 0, .sequence = 0};

class Burst {
 public:
  /// A live row of `bytes` bytes, filled with `fill`.
  unsigned add(std::size_t bytes, std::uint8_t fill = 0) {
    memory_.push_back(std::make_unique<std::vector<std::uint8_t>>(bytes, fill));
    return batch.append(memory_.back()->data(), bytes, nullptr, Path{});
  }
  unsigned add(const Header& header, std::size_t bytes) {
    const unsigned row = add(bytes);
    if (bytes >= header_bytes) compose_header(batch.data[row], header);
    return row;
  }
  unsigned add(const std::vector<std::uint8_t>& bytes) {
    const unsigned row = add(bytes.size());
    if (!bytes.empty()) std::memcpy(batch.data[row], bytes.data(), bytes.size());
    return row;
  }
  void randomise(unsigned row, base::Prng& random, std::size_t from = 0) {
    for (std::size_t i = from; i < batch.length[row]; ++i)
      batch.data[row][i] = static_cast<std::uint8_t>(random.next());
  }
  std::vector<std::uint8_t>& bytes(unsigned row) { return *memory_[row]; }

  Batch batch;
  metrics::DropCounters drops;

 private:
  std::vector<std::unique_ptr<std::vector<std::uint8_t>>> memory_;
};

}  // namespace serried::wire
