#pragma once
/// What a stranger computes who has seen four outputs of base::Prng in a row: all that follow.

#include <array>
#include <bit>
#include <cstdint>

namespace serried::io {

class Foresight {
 public:
  explicit Foresight(const std::array<std::uint64_t, 4>& outputs) {
    std::array<std::uint64_t, 4> word;  // output = rotl(word * 5, 7) * 9, and this is its inverse
    for (std::size_t i = 0; i < 4; ++i) word[i] = std::rotr(outputs[i] * 0x8E38E38E38E38E39U, 7) * 0xCCCCCCCCCCCCCCCDU;
    const std::uint64_t third = word[0] ^ word[1] ^ word[0] << 17;
    const std::uint64_t first = word[1] ^ word[2] ^ third;
    const std::uint64_t first_next = word[2] ^ word[3] ^ third ^ first ^ word[1] << 17;
    state_ = {first, word[1], third, first_next ^ first ^ word[1]};
    for (std::size_t i = 1; i < 4; ++i) static_cast<void>(next());
  }

  /// The output that follows.
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace serried::io
