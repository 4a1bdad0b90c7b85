#pragma once
/// A message on its way out in fragments of one size, which of them are in flight, and which have arrived. The twin of
/// Join. All zero when there is none.
/// Source  docs/wire-format.md section 2, Fragments

#include <array>
#include <cstdint>
#include <span>

#include "channel/fragment.h"

namespace serried::channel {

class Split {
 public:
  static constexpr unsigned fragments_max = 512;
  [[nodiscard]] static constexpr unsigned fragments_for(std::size_t bytes) noexcept {
    return static_cast<unsigned>((bytes + fragment_bytes_max - 1) / fragment_bytes_max);
  }

  /// Where the message lies: a block of the pool that is ours from here on, or, when `shared` is not null, there.
  struct Source {
    const std::uint8_t* shared = nullptr;
    std::uint16_t block = BlockPool::none;
  };
  /// `bytes` of type and content, 1 to message_bytes_max. On a reliable channel its fragments have the ids from
  /// `first_id`.
  void begin(const Source& source, std::uint32_t bytes, wire::Channel channel, std::uint16_t first_id) noexcept;
  [[nodiscard]] bool active() const noexcept { return count_ != 0; }
  [[nodiscard]] wire::Channel channel() const noexcept { return channel_; }
  [[nodiscard]] bool has(std::uint16_t id) const noexcept {
    return static_cast<std::uint16_t>(id - first_id_) < count_;
  }
  /// The oldest id that is not acked. Precondition: active().
  [[nodiscard]] std::uint16_t oldest_id() const noexcept;
  /// There is a fragment neither in flight nor acked.
  [[nodiscard]] bool waiting() const noexcept { return settled_ + in_flight_count_ < count_; }
  [[nodiscard]] std::uint32_t unacked_bytes() const noexcept { return unacked_bytes_; }

  /// Write the first waiting fragment, behind its id on a reliable channel; that it is in flight from here on.
  /// False: `out` has no room for all of it. Precondition: waiting().
  [[nodiscard]] bool compose(BlockPool& pool, base::ByteWriter& out, std::uint16_t& id) noexcept;
  /// What became of the fragment `id`. The last one acked ends it. Precondition: has(id).
  void on_outcome(BlockPool& pool, std::uint16_t id, bool acked) noexcept;
  void end(BlockPool& pool) noexcept;

 private:
  using Bits = std::array<std::uint64_t, fragments_max / 64>;
  [[nodiscard]] std::uint32_t bytes_of(unsigned index) const noexcept;

  Bits acked_{}, in_flight_{};
  const std::uint8_t* shared_ = nullptr;
  std::uint32_t bytes_ = 0, unacked_bytes_ = 0;
  std::uint16_t block_ = 0;
  std::uint16_t fragment_id_ = 0;  ///< of this message, and of the one before when there is none
  std::uint16_t first_id_ = 0;
  std::uint16_t count_ = 0;
  std::uint16_t settled_ = 0, in_flight_count_ = 0;
  wire::Channel channel_{};
};
static_assert(Split::fragments_for(message_bytes_max) <= Split::fragments_max);

}  // namespace serried::channel
