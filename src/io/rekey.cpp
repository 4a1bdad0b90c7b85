/// New keys for a session that goes on: asked for by the server, one change at a time, without losing what is in
/// flight. The curve is the handshake lane's work; here is which side may do what when.
/// Source  docs/wire-format.md section 5, Rekey

#include "io/rekey.h"

#include <algorithm>

#include "io/reply.h"
#include "io/teardown.h"
#include "message/control.h"
#include "wire/datagram.h"

namespace serried::io {
namespace {

using message::DisconnectReason;
using metrics::Drop;
using session::Rekey;
using Stage = session::Rekey::Stage;

constexpr Nanos response_max = 60 * second;
constexpr Nanos retire_min = 1 * second;

void enter(Rekey& rekey, Stage stage, Nanos now) noexcept {
  rekey.stage = stage;
  rekey.since = now;
}

/// A job of the handshake lane for this session, or none when all are lent. A quarter is left to logins.
template <class Work>
Work* lend_job(IoState& state, std::uint32_t slot, std::uint32_t& index) noexcept {
  if (state.handshake.free.size() <= state.handshake.jobs.size() / 4) return nullptr;
  index = state.handshake.free.pop();
  link::HandshakeJob& job = state.handshake.jobs[index];
  job.session = slot;
  job.connection_id = state.table.admission(slot).connection_id;
  return &job.begin<Work>();
}

void begin(IoState& state, std::uint32_t slot, Rekey& rekey, Nanos now) noexcept {
  std::uint32_t index = 0;
  if (lend_job<link::HandshakeJob::PrepareRekey>(state, slot, index) == nullptr) return;  // the next sweep asks again
  state.handshake.requests.push(index);
  ++rekey.epoch;
  enter(rekey, Stage::preparing, now);
}

void ask(IoState& state, std::uint32_t slot, const link::HandshakeJob::PrepareRekey& work, Rekey& rekey,
         Nanos now) noexcept {
  rekey.ephemeral = work.ephemeral;
  enter(rekey, Stage::asked, now);
  send_control(
      state, slot,
      [&](base::ByteWriter& out) {
        message::encode(out, message::Type::rekey_request, message::Rekey{rekey.epoch, rekey.ephemeral.public_key});
      },
      channel::Urgency::immediate, now);
}

/// We have both halves: seal under the new key from now on.
void adopt(IoState& state, std::uint32_t slot, const link::HandshakeJob::ComputeRekey& work, Rekey& rekey,
           Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(slot);
  outbound.send_key = work.keys.server_to_client;
  outbound.key_phase_flag = (rekey.epoch & 1) != 0 ? wire::flag::key_phase : std::uint8_t{0};
  outbound.sealed_bytes = 0;
  rekey.other_receive_key = work.keys.client_to_server;
  rekey.next = work.keys.next;
  rekey.ephemeral = {};
  enter(rekey, Stage::switching, now);
  state.counters.rekeys.add(1);
}

}  // namespace

void switch_keys(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  session::Admission& session = state.table.admission(slot);
  Rekey& rekey = state.table.cold(slot).rekey;
  if (rekey.stage != Stage::switching) return;  // retiring: a straggler under the old key
  std::swap(state.table.peer(slot).receive_key, rekey.other_receive_key);
  session.receive_phase ^= 1;
  enter(rekey, Stage::retiring, now);
}

Drop on_rekey_response(IoState& state, std::uint32_t slot, std::span<const std::uint8_t> content, Nanos now) noexcept {
  message::Rekey response;
  if (!message::decode(content, response)) return Drop::bad_message;
  Rekey& rekey = state.table.cold(slot).rekey;
  if (rekey.stage != Stage::asked || response.epoch != rekey.epoch) {
    end_session(state, slot, DisconnectReason::protocol_error, true);
    return Drop::unexpected_message;
  }
  rekey.theirs = response.ephemeral;
  enter(rekey, Stage::answered, now);
  sweep_rekey(state, slot, now);
  return Drop::none;
}

void on_rekey_job(IoState& state, const link::HandshakeJob& job, Nanos now) noexcept {
  const session::Admission& session = state.table.admission(job.session);
  if (session.connection_id != job.connection_id || !session::opens(session.state)) return;  // ended meanwhile
  Rekey& rekey = state.table.cold(job.session).rekey;
  if (job.kind() == link::HandshakeJob::Kind::prepare_rekey)
    return ask(state, job.session, job.as<link::HandshakeJob::PrepareRekey>(), rekey, now);
  const auto& work = job.as<link::HandshakeJob::ComputeRekey>();
  if (work.refused) return end_session(state, job.session, DisconnectReason::protocol_error, true);
  adopt(state, job.session, work, rekey, now);
}

void sweep_rekey(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  Rekey& rekey = state.table.cold(slot).rekey;
  const session::Outbound& outbound = state.table.outbound(slot);
  switch (rekey.stage) {
    case Stage::idle:
      if (state.table.reliable(slot).is_open() &&
          (outbound.sealed_bytes >= state.config.rekey_bytes || now - rekey.since >= state.config.rekey_after))
        begin(state, slot, rekey, now);
      return;
    case Stage::asked:
    case Stage::switching:
      if (now - rekey.since >= response_max) end_session(state, slot, DisconnectReason::protocol_error, true);
      return;
    case Stage::answered: {
      std::uint32_t index = 0;
      auto* const work = lend_job<link::HandshakeJob::ComputeRekey>(state, slot, index);
      if (work == nullptr) return;
      work->epoch = rekey.epoch;
      work->ephemeral = rekey.ephemeral;
      work->client_ephemeral = rekey.theirs;
      work->next = rekey.next;
      state.handshake.requests.push(index);
      enter(rekey, Stage::computing, now);
      return;
    }
    case Stage::retiring:
      if (now - rekey.since < std::max(retire_min, 3 * outbound.sent.round_trip().smoothed())) return;
      rekey.other_receive_key.wipe();
      enter(rekey, Stage::idle, now);
      return;
    case Stage::preparing:
    case Stage::computing:
      return;
  }
}

}  // namespace serried::io
