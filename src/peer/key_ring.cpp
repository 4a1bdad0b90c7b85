#include "peer/key_ring.h"

#include <algorithm>

namespace serried::peer {

void KeyRing::begin(const crypt::SessionKeys& keys) noexcept {
  wipe();
  keys_[0] = keys;
  known_[0] = true;
}

void KeyRing::wipe() noexcept {
  forget(0);
  forget(1);
  epoch_ = sealing_ = 0;
  retire_at_ = ~Nanos{0};
}

void KeyRing::forget(std::size_t phase) noexcept {
  crypt::SessionKeys& keys = keys_[phase];
  for (crypt::Secret* secret : {&keys.client_to_server, &keys.server_to_client, &keys.next, &keys.exporter})
    secret->wipe();
  known_[phase] = false;
}

bool KeyRing::answer(const message::Rekey& request, std::uint32_t connection_id, const crypt::Entropy& entropy,
                     message::Rekey& response) noexcept {
  const auto epoch = static_cast<std::uint8_t>(epoch_ + 1);
  const std::size_t fresh = epoch & 1, current = fresh ^ 1;
  // Asked before anything opened under the keys of the last answer.
  if (!known_[current] || sealing_ != current || request.epoch != epoch) return false;
  const crypt::KeyPair own = crypt::make_key_pair(entropy);
  crypt::Secret shared;
  if (!crypt::shared_secret(own.secret, request.ephemeral, shared)) return false;
  // The server has wiped its old key, or it would not ask: ours goes too, if our clock has not come to it yet.
  keys_[fresh] =
      crypt::derive_next_keys({connection_id, epoch, request.ephemeral, own.public_key}, keys_[current], shared);
  known_[fresh] = true;
  epoch_ = epoch;
  retire_at_ = ~Nanos{0};
  response = {epoch, own.public_key};
  return true;
}

bool KeyRing::change_over(std::size_t phase, Nanos smoothed_round_trip, Nanos now) noexcept {
  if (phase != (epoch_ & 1U)) return false;
  sealing_ = static_cast<std::uint8_t>(phase);
  keys_[phase ^ 1].next.wipe();
  retire_at_ = now + std::max(retire_min, 3 * smoothed_round_trip);
  return true;
}

void KeyRing::retire() noexcept {
  forget(sealing_ ^ 1U);
  retire_at_ = ~Nanos{0};
}

}  // namespace serried::peer
