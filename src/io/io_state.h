#pragma once
/// Everything an io lane owns. The stages of the lane are functions over it, one file a stage, and IoLane (io_lane.h)
/// is the only one that knows their order.

#include <array>
#include <cstdint>
#include <vector>

#include "base/fixed_fifo.h"
#include "base/fixed_stack.h"
#include "base/prng.h"
#include "channel/pack.h"
#include "channel/reliable.h"
#include "crypt/cookie.h"
#include "crypt/integrity.h"
#include "io/handover.h"
#include "link/handshake_link.h"
#include "io/run_commands.h"
#include "link/rows.h"
#include "io/send_queue.h"
#include "message/control.h"
#include "session/record_sent.h"
#include "session/admit.h"
#include "session/attempt.h"
#include "guard/budget.h"
#include "session/table.h"
#include "wire/verify.h"

namespace serried::io {

struct IoConfig {
  unsigned lane = 0;  ///< below session::lanes_max
  unsigned sessions_max = 16'384;
  unsigned attempts_max = 4'096;        ///< half-open and lately established handshakes
  unsigned cookie_rate_per_s = 20'000;  ///< not 0: Connects answered in clear a second, and as many cookies checked
  unsigned spare_buffers = 512;         ///< kept at hand for each shard, and as many for the lane itself
  std::uint64_t protocol_id = 0;
  guard::AbuseGuardConfig abuse_guard;
  // Reliable channels, per lane
  std::uint32_t chunks = 65'536;                                 ///< of 256 bytes, for messages that wait
  std::uint16_t small_blocks = 512, large_blocks = 48;           ///< of 16 and 512 KiB, for messages in fragments
  std::uint32_t message_bytes_max = channel::message_bytes_max;  ///< what a client may send in fragments
  // Keys
  std::uint64_t rekey_bytes = std::uint64_t{1} << 30;
  Nanos rekey_after = 3'600 * second;
  /// Tables of the client builds that are challenged; null: none. Outlives the lane.
  const crypt::IntegrityTables* integrity = nullptr;
  Nanos integrity_period = 60 * second;
  guard::TypeRates type_rates = guard::TypeRates::usual();
  const channel::Dictionary* dictionary = nullptr;  ///< for packed bodies; null: none. Outlives the lane.
  /// What clients are told; its time-outs, rates and limits are also those that the lane enforces.
  message::ConnectionAccepted parameters;
};

/// In + taken_over = delivered + answered + handed_over + drops of unit datagram.
/// Owner   the io lane; readable from any thread
struct IoCounters {
#define SERRIED_IO_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
  metrics::DropCounters drops;
};

/// A datagram that needs no more work: clear, or sealed before.
struct ReadyRow {
  wire::Buffer buffer;
  std::uint16_t bytes = 0;
  wire::Path to;
};

/// An ack that a session has to send.
struct Due {
  std::uint32_t session = 0;
  std::uint32_t connection_id = 0;
  Nanos at = 0;
};

struct WaitingSessionEvent {
  std::uint32_t shard = 0;
  link::SessionEvent command;
};

/// What acks said about replication plans, for one datagram.
struct PlanAcks {
  std::uint16_t acked = 0, lost = 0;
  std::uint32_t acked_mask = 0, lost_mask = 0;
  [[nodiscard]] bool any() const noexcept { return (acked_mask | lost_mask) != 0; }
};

struct IoState {
  IoState(const IoConfig& io_config, std::vector<link::IoShardLink*> shard_links, link::HandshakeLink& handshake_link,
          const crypt::CookieJar& cookie_jar, const crypt::Entropy& entropy_source);

  IoConfig config;
  std::vector<link::IoShardLink*> shards;
  link::HandshakeLink& handshake;
  crypt::CookieJar jar;
  crypt::Entropy entropy;
  // Both seeded by entropy. Four outputs in a row tell all that follow, so what goes out whole has a stream of its own.
  base::Prng rng;  ///< ids of sessions, skipped sequences: a stranger sees eleven bits at a time, or fewer
  base::Prng public_rng;   ///< nonces of cookies, ids of Pings
  std::array<std::uint8_t, 16> attempt_salt{};
  wire::CrcSeed crc;

  session::Table table;
  session::AttemptTable attempts;
  session::AdmitLimits limits;
  guard::AbuseGuard abuse_guard;
  guard::Budget clear_answers;  ///< to Connects without a cookie, or with one that does not hold
  guard::Budget
      returned_cookies;  ///< to be checked: apart, so that a flood of first Connects starves no other client

  base::FixedStack<wire::Buffer> spare;
  base::FixedFifo<ReadyRow> ready;
  base::FixedFifo<link::OutRow> replies;  ///< control messages and ack-only datagrams of sessions
  base::FixedFifo<Due> due_acks;
  SendQueue due_sends;  ///< sessions with reliable messages to be sent, but for those that wait for their windows
  channel::Pools pools;
  channel::Packer packer;
  base::FixedFifo<WaitingSessionEvent> session_events;  ///< joins and leaves that wait for room in a shard's ring

  /// Input rows on their way to each shard.
  struct Steering {
    unsigned rows = 0;
    std::array<link::InputRow, wire::Batch::capacity> row;
  };
  std::vector<Steering> steering;
  std::array<PlanAcks, wire::Batch::capacity> plan_acks;           ///< by row of the batch in work
  std::array<std::uint8_t, wire::Batch::capacity> ack_bytes;  ///< length of the row's ack block
  /// Scratch: what became of a session's datagrams. Not on the stack, where each ack block would fill it with defaults.
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes;
  std::array<std::uint8_t, channel::unpacked_bytes_max> unpacked;  ///< scratch: the body being packed or unpacked

  AdminWork orders;
  HandoverWork handover;
  unsigned gather_from = 0;  ///< shard whose turn it is
  std::uint32_t sweep_cursor = 0;
  Nanos swept_at = 0;
  bool draining = false;
  IoCounters counters;

  [[nodiscard]] std::uint32_t dictionary_id() const noexcept {
    return config.dictionary != nullptr ? config.dictionary->id() : 0;
  }
  /// For packed bodies of this session; null: the two sides do not have the same.
  [[nodiscard]] const channel::Dictionary* dictionary_of(std::uint32_t slot) noexcept {
    return table.cold(slot).dictionary != 0 ? config.dictionary : nullptr;
  }
};

// ---- stages in

/// Process the clear datagrams of the burst (Connects) and take them out of `live`.
/// Writes  attempts, table, the handshake ring, ready
/// Drops   bad_connect, banned, address_rate, prefix_rate, cookie_budget, attempts_full, attempt_known, sessions_full,
///         handshake_ring_full
/// Source  docs/wire-format.md section 4
void connect(IoState& state, wire::Batch& batch, Nanos now) noexcept;

/// What every authentic datagram does to its session: it was heard, it must be acked, it may carry acks.
/// Reads   data, length, session, path, live
/// Writes  plan_acks, ack_bytes, verdict, live, sessions
/// Drops   bad_ack, session_ending
void record_received(IoState& state, wire::Batch& batch, Nanos now) noexcept;

/// Decode the messages of the live rows and do what they say; inputs and plan plan_acks go into `steering`.
/// Drops   messages: bad_framing, bad_message, unknown_message, unexpected_message, confirm_deferred
void dispatch(IoState& state, wire::Batch& batch, Nanos now) noexcept;

/// Whether a datagram holds plain messages of channel 0, as nearly all do.
[[nodiscard]] inline bool is_plain(const wire::Batch& batch, unsigned row) noexcept {
  constexpr std::uint8_t special = wire::flag::fragment | wire::flag::compressed;
  return batch.channel[row] == static_cast<std::uint8_t>(wire::Channel::unreliable) &&
         (batch.flags[row] & special) == 0;
}
/// Whether messages of this type may come so often. On channel 0 one that may not is dropped; on the others it waits,
/// or is not acked: what came slowly may be handed on in a burst, after an outage or once there is room for its answer,
/// and a client that sends too fast only delays itself.
[[nodiscard]] bool within_rate(IoState& state, std::uint32_t slot, message::Type type, Nanos now) noexcept;
/// Whether the session's shard takes mail now, and the session could be sent an answer. The shard must know the session
/// before its mail: its own join, should it wait, goes first. What others' joins wait for is nothing to it.
[[nodiscard]] bool has_message_room(IoState& state, std::uint32_t slot) noexcept;
/// One message of class 3 for the session's shard. False: no room now.
[[nodiscard]] bool hand_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                             std::span<const std::uint8_t> content) noexcept;
/// Lend the session's shard the memory that `mail` names: message, bytes, and owner or block. Precondition:
/// has_message_room.
void lend_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, link::GameMessage mail) noexcept;
/// A message that came on channel 1 or 2. False: there is no room for it now.
[[nodiscard]] bool on_reliable_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                                       std::span<const std::uint8_t> content, Nanos now) noexcept;
/// The receiving half of acks: the datagram was taken in.
void note_received(IoState& state, std::uint32_t slot, std::uint64_t sequence, channel::AckPolicy policy,
                   Nanos now) noexcept;

/// Hand the input rows to their shards.
/// Drops   messages: shard_ring_full
void steer(IoState& state) noexcept;
/// One row for one shard; a full burst is handed over at once.
void steer_row(IoState& state, unsigned shard, const link::InputRow& row) noexcept;

// ---- stages out

/// Fill `batch` with what sessions have to say: control messages first, then the shards' bodies, fairly. Bundles the
/// ack block before each body.
/// Writes  data, length, path, session, flags, live; info
/// Drops   session_gone
void gather(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, Nanos now) noexcept;

/// Fill `batch` with datagrams that need no more work.
void gather_ready(IoState& state, wire::Batch& batch) noexcept;

// ---- what time and other lanes bring

/// Results of the handshake lane, notices of shards, commands that waited, acks that are due, a slice of the sweep over
/// sessions and attempts. Bounded. Returns how much there was to do.
unsigned housekeeping(IoState& state, Nanos now) noexcept;

// ---- shared by the stages

/// Queue a datagram for a session: `write(ByteWriter&, link::OutRow&)` writes its body, and says what it is; when it returns
/// false there is none. False, too, and no_buffer, when there is no room to write it.
template <class Write>
bool reply_with(IoState& state, std::uint32_t slot, Write&& write) noexcept {
  if (state.spare.empty() || state.replies.full()) {
    state.counters.drops.add(metrics::Drop::no_buffer);
    return false;
  }
  const wire::Buffer buffer = *state.spare.newest(1);
  base::ByteWriter out{{buffer.data + link::body_offset, link::out_body_bytes_max}};
  link::OutRow row;
  row.payload = channel::PayloadKind::none;
  if (!write(out, row) || !out.ok()) return false;
  static_cast<void>(state.spare.pop());
  row.owner = buffer.owner;
  row.body = buffer.data + link::body_offset;
  row.session = slot;
  row.connection_id = state.table.admission(slot).connection_id;
  row.body_bytes = static_cast<std::uint16_t>(out.size());
  state.replies.push(row);
  return true;
}

/// The same for control messages: `write(ByteWriter&)`.
template <class Write>
bool reply(IoState& state, std::uint32_t slot, Write&& write, std::uint8_t flags = 0,
           link::OutKind kind = link::OutKind::datagram) noexcept {
  return reply_with(state, slot, [&](base::ByteWriter& out, link::OutRow& row) {
    write(out);
    row.flags = flags;
    row.kind = kind;
    return true;
  });
}

// ---- reliable messages (reliable.cpp)

/// The receiver of a session's reliable messages and joined fragments: `context` is a ReliableContext.
struct ReliableContext {
  IoState& state;
  std::uint32_t slot;
  Nanos now;
};
[[nodiscard]] channel::Receiver reliable_receiver(ReliableContext& context) noexcept;
/// A datagram on channel 1 or 2, or a fragment on any: everything behind the ack block. What it says is handled before
/// this returns.
/// Drops   reliable_closed, reliable_no_room, bad_reliable, bad_fragment
[[nodiscard]] metrics::Drop accept_reliable(IoState& state, std::uint32_t slot, wire::Channel channel, bool fragment,
                                            base::ByteReader body, Nanos now) noexcept;
/// What became of datagrams of a session: plans go to the shard as rows of their own, or into `plan_acks` if there is one;
/// reliable messages that were lost are queued again.
void on_outcomes(IoState& state, std::uint32_t slot, const channel::SentDatagrams::Outcome* outcome, unsigned count,
            PlanAcks* plan_acks, Nanos now) noexcept;
/// The same for what had to make room among the datagrams in flight. A window is counted in bytes: of small plans more
/// may be handed over than the queue holds, when a client falls silent before the shard is told of it.
void on_evicted(IoState& state, const session::SendBatchInfo& info, Nanos now) noexcept;
/// The retransmission timer of a session, and messages that wait for room at their receiver.
void sweep_reliable(IoState& state, std::uint32_t slot, Nanos now) noexcept;
/// Datagrams of sessions whose reliable messages are due, as windows and pace allow. Bounded; returns how many.
unsigned send_reliable(IoState& state, Nanos now) noexcept;
/// A row for the shard with nothing but plan_acks of plans, and the send limit.
[[nodiscard]] link::InputRow plan_acks_row(IoState& state, std::uint32_t slot, const PlanAcks& plan_acks) noexcept;
/// What link::InputRow::send_limit is to be now.
[[nodiscard]] std::uint32_t send_limit(IoState& state, std::uint32_t slot) noexcept;
/// A shard that holds a viewer back hears that there is room again: nothing else may tell it, when the client sends no
/// inputs and what made the room was no plan.
void tell_room(IoState& state, std::uint32_t slot) noexcept;

/// Queue a message of a session on channel 1 or 2. A session whose queue is full ends (overload), unless `may_drop`.
void send_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                  std::span<const std::uint8_t> content, channel::Urgency urgency, bool may_drop, Nanos now) noexcept;
/// The same for a message, type first, that outlives every session.
void post_shared(IoState& state, std::uint32_t slot, wire::Channel channel, std::span<const std::uint8_t> message,
                 Nanos now) noexcept;
/// The session has something to send, or may have, or its window has changed: put it into the queue of such for when
/// that is due. Without room in the window it stands nowhere: the ack or timeout that makes room comes back here.
void note_sendable(IoState& state, std::uint32_t slot, Nanos now) noexcept;

// ---- a session's keys (rekey.cpp), address (roam.cpp), client (integrity.cpp)

/// A datagram opened under Rekey::other_receive_key: the client has the new keys.
void switch_keys(IoState& state, std::uint32_t slot, Nanos now) noexcept;
/// RekeyResponse came on channel 1. Protocol errors end the session.
[[nodiscard]] metrics::Drop on_rekey_response(IoState& state, std::uint32_t slot, std::span<const std::uint8_t> content,
                                              Nanos now) noexcept;
/// A job of kind rekey_prepare or rekey_compute is back.
void on_rekey_job(IoState& state, link::HandshakeJob& job, Nanos now) noexcept;
/// Called by the sweep for every established or playing session: begin, give up, or finish a rekey.
void sweep_rekey(IoState& state, std::uint32_t slot, Nanos now) noexcept;

/// An authentic datagram of `bytes` came from an address that is not the session's. `newest`: it has the highest
/// sequence so far.
void note_foreign(IoState& state, std::uint32_t slot, const wire::Path& from, std::uint32_t bytes, bool newest,
                  Nanos now) noexcept;
/// A Pong came, from wherever: moves the session when it answers the probe.
void on_probe_pong(IoState& state, std::uint32_t slot, std::uint64_t id, const wire::Path& from) noexcept;
void sweep_roam(IoState& state, std::uint32_t slot, Nanos now) noexcept;

/// The answer to a CheckIntegrity came on channel 1.
[[nodiscard]] metrics::Drop on_integrity_answer(IoState& state, std::uint32_t slot,
                                                std::span<const std::uint8_t> content, Nanos now) noexcept;
void sweep_integrity(IoState& state, std::uint32_t slot, Nanos now) noexcept;

/// Queue a control message of a session on channel 1: `write(ByteWriter&)`. It must not be missed.
template <class Write>
void send_control(IoState& state, std::uint32_t slot, Write&& write, channel::Urgency urgency, Nanos now) noexcept {
  std::array<std::uint8_t, 128> bytes;
  base::ByteWriter out{bytes};
  write(out);
  base::ByteReader body{out.written()};
  message::Framed framed;
  if (message::next(body, framed))
    send_message(state, slot, wire::Channel::reliable_ordered, framed.type, framed.content, urgency, false, now);
}

/// Begin the end of a session; `tell` sends Disconnect three times before the slot is free.
void end_session(IoState& state, std::uint32_t slot, message::DisconnectReason reason, bool tell) noexcept;

/// Send a ConnectionDenied, in clear.
void send_denied(IoState& state, const crypt::PublicKey& client_ephemeral, message::DenyReason reason,
                 std::uint32_t retry_after_ms, const wire::Path& to) noexcept;

/// Send a whole datagram as it is. False and no_buffer when there is none.
bool send_ready(IoState& state, std::span<const std::uint8_t> datagram, const wire::Path& to) noexcept;

}  // namespace serried::io
