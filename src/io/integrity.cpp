/// Now and then a client is asked for what only an unchanged build of its version knows.
/// Source  docs/wire-format.md section 8, Integrity

#include "io/integrity.h"

#include <algorithm>

#include "crypt/integrity.h"
#include "io/reply.h"
#include "io/teardown.h"
#include "message/control.h"

namespace serried::io {
namespace {

using message::DisconnectReason;
using metrics::Drop;
using session::Integrity;

constexpr Nanos answer_min = 30 * second;
constexpr unsigned timeouts_max = 10;

void challenge(IoState& state, std::uint32_t slot, Integrity& integrity, const crypt::IntegrityVersion& version,
               Nanos now) noexcept {
  integrity.index = static_cast<std::uint16_t>(state.secrets.below(version.entries));
  for (std::size_t half = 0; half < 2; ++half) base::store(integrity.nonce.data() + 8 * half, state.secrets.next());
  integrity.waiting = true;
  integrity.at = now;
  send_control(
      state, slot,
      [&](base::ByteWriter& out) {
        message::encode(out, message::CheckIntegrity{version.version, integrity.index, integrity.nonce});
      },
      channel::Urgency::bundled, now);
  state.counters.integrity_challenges.add(1);
}

}  // namespace

Drop on_integrity_answer(IoState& state, std::uint32_t slot, std::span<const std::uint8_t> content,
                         Nanos now) noexcept {
  message::IntegrityAnswer answer;
  if (!message::decode(content, answer)) return Drop::bad_message;
  session::Cold& cold = state.table.cold(slot);
  Integrity& integrity = cold.integrity;
  const crypt::IntegrityVersion* version =
      state.config.integrity != nullptr ? state.config.integrity->find(integrity.build) : nullptr;
  if (!integrity.waiting || version == nullptr) return Drop::unexpected_message;
  const crypt::IntegrityAnswer expected =
      crypt::integrity_answer(crypt::integrity_entry(*version, integrity.index), integrity.nonce, cold.exporter);
  const bool right =
      answer.version == version->version && answer.index == integrity.index && crypt::equal(answer.answer, expected);
  integrity.waiting = false;
  integrity.at = now + state.config.integrity_period;
  if (!right) end_session(state, slot, DisconnectReason::kicked, true);
  return Drop::none;
}

bool may_play(const IoState& state, std::uint32_t build) noexcept {
  if (!state.config.refuse_unknown_builds) return true;
  return state.config.integrity != nullptr && state.config.integrity->find(build) != nullptr;
}

void sweep_integrity(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  session::Cold& cold = state.table.cold(slot);
  Integrity& integrity = cold.integrity;
  if (state.config.integrity == nullptr || integrity.build == 0) return;
  if (integrity.waiting) {
    const Nanos patience = std::max(answer_min, timeouts_max * state.table.outbound(slot).sent.round_trip().timeout());
    if (now - integrity.at >= patience) end_session(state, slot, DisconnectReason::kicked, true);
  } else if (now >= integrity.at) {
    if (const auto* version = state.config.integrity->find(integrity.build); version != nullptr)
      challenge(state, slot, integrity, *version, now);
  }
}

}  // namespace serried::io
