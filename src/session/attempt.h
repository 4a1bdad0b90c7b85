#pragma once
/// Attempts to connect: recorded once a cookie has come back, so that a repeated Connect costs nothing twice and a lost
/// answer can be given again to the byte.
/// Source  docs/wire-format.md section 4

#include <array>
#include <cstdint>
#include <cstring>

#include "base/fixed_map.h"
#include "crypt/keys.h"
#include "serried/time.h"
#include "wire/path.h"

namespace serried::session {

/// SHA-256 over a salt of the lane, the address, the client's ephemeral key and the token's hash: no client can
/// choose where it falls.
struct AttemptKey {
  crypt::Hash digest{};
  bool operator==(const AttemptKey&) const noexcept = default;
};
struct AttemptHash {
  std::size_t operator()(const AttemptKey& key) const noexcept {
    std::uint64_t word;
    std::memcpy(&word, key.digest.data(), sizeof word);
    return word;
  }
};
[[nodiscard]] AttemptKey attempt_key(const std::array<std::uint8_t, 16>& salt, const wire::Path& source,
                                     const crypt::PublicKey& client_ephemeral, const crypt::Hash& token_hash) noexcept;

struct Attempt {
  static constexpr Nanos half_open_max = 10 * second;
  static constexpr Nanos remembered_for = 10 * second;
  static constexpr std::size_t accepted_bytes_max = 256;

  enum class State : std::uint8_t { queued, half_open, established };
  State state = State::queued;
  std::uint16_t accepted_bytes = 0;
  Nanos since = 0;                                        ///< of this state
  std::array<std::uint8_t, accepted_bytes_max> accepted;  ///< the whole ConnectionAccepted datagram

  [[nodiscard]] bool expired(Nanos now) const noexcept {
    return now - since >= (state == State::established ? remembered_for : half_open_max);
  }
};

using AttemptTable = base::FixedMap<AttemptKey, Attempt, AttemptHash>;

}  // namespace serried::session
