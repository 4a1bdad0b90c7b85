#pragma once
/// The keys of a client's session: those of its epoch, and for a while those of the one before or after. KeyPhase, the
/// lowest bit of the epoch, is the place in the ring, so pointers to keys stay good until their epoch is wiped.
///
///     steady --request--> answered --opened under the new--> retiring --3 round trips--> steady
///             receives old          receives both            receives both
///             and new, seals old                             seals new
///
/// Source  docs/wire-format.md section 5, Rekey

#include <array>
#include <cstdint>

#include "crypt/keys.h"
#include "message/control.h"
#include "serried/time.h"
#include "wire/datagram.h"

namespace serried::peer {

/// Secrets wipe themselves when it is destroyed.
/// Owner   one session
class KeyRing {
 public:
  static constexpr Nanos retire_min = second;
  /// What opening and sealing touch as long as no keys were changed, from its first byte.
  static constexpr std::size_t hot_bytes = 16 + 2 * crypt::key_bytes;

  /// Epoch 0, from the handshake.
  void begin(const crypt::SessionKeys& keys) noexcept;
  void wipe() noexcept;
  [[nodiscard]] bool any() const noexcept { return known_[0] || known_[1]; }

  /// The key under which a datagram with these flags opens; nullptr: there is none of this phase.
  [[nodiscard]] const std::uint8_t* opening_key(std::uint8_t flags) const noexcept {
    const std::size_t phase = phase_of(flags);
    return known_[phase] ? keys_[phase].server_to_client.data() : nullptr;
  }
  [[nodiscard]] const std::uint8_t* sealing_key() const noexcept { return keys_[sealing_].client_to_server.data(); }
  [[nodiscard]] std::uint8_t sealing_flag() const noexcept {
    return sealing_ != 0 ? wire::flag::key_phase : std::uint8_t{0};
  }
  [[nodiscard]] const crypt::Secret& exporter() const noexcept { return keys_[sealing_].exporter; }

  /// The server asks for the next epoch: derive its keys; `response` is what to answer. False: out of turn, or a
  /// public key that gives no secret, and the session ends. One scalar multiplication and one key pair.
  [[nodiscard]] bool answer(const message::Rekey& request, std::uint32_t connection_id, const crypt::Entropy& entropy,
                            message::Rekey& response) noexcept;
  /// A datagram with these flags has opened. True: the first one under new keys, which seal from now on; the old ones
  /// open until `smoothed_round_trip` has passed three times, or retire_min.
  bool note_opened(std::uint8_t flags, Nanos smoothed_round_trip, Nanos now) noexcept {
    return phase_of(flags) != sealing_ && change_over(phase_of(flags), smoothed_round_trip, now);
  }
  void poll(Nanos now) noexcept {
    if (now >= retire_at_) retire();
  }
  /// When poll wipes old keys; ~0: there are none.
  [[nodiscard]] Nanos retire_at() const noexcept { return retire_at_; }
  [[nodiscard]] std::uint8_t epoch() const noexcept { return epoch_; }  ///< the newest that there are keys of

 private:
  [[nodiscard]] static constexpr std::size_t phase_of(std::uint8_t flags) noexcept {
    return (flags & wire::flag::key_phase) != 0 ? 1 : 0;
  }
  void forget(std::size_t phase) noexcept;
  bool change_over(std::size_t phase, Nanos smoothed_round_trip, Nanos now) noexcept;
  void retire() noexcept;

  Nanos retire_at_ = ~Nanos{0};
  std::array<bool, 2> known_{};
  std::uint8_t epoch_ = 0;
  std::uint8_t sealing_ = 0;                ///< the phase under which we seal
  std::array<crypt::SessionKeys, 2> keys_;  ///< by phase
};

}  // namespace serried::peer
