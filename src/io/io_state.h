#pragma once
/// Everything an io lane owns. The stages of the lane are functions over it, one file a stage, and IoLane (io_lane.h)
/// is the only one that knows their order.

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/budget.h"
#include "base/fixed_fifo.h"
#include "base/fixed_stack.h"
#include "channel/pack.h"
#include "channel/reliable.h"
#include "crypt/cookie.h"
#include "crypt/integrity.h"
#include "crypt/secret_numbers.h"
#include "io/handover.h"
#include "io/run_commands.h"
#include "io/send_queue.h"
#include "link/handshake_link.h"
#include "link/rows.h"
#include "message/control.h"
#include "session/admit.h"
#include "session/attempt.h"
#include "session/record_sent.h"
#include "session/table.h"
#include "wire/verify.h"

namespace serried::io {

struct IoConfig {
  unsigned lane = 0;  ///< below session::lanes_max
  unsigned sessions_max = 16'384;
  unsigned sessions_spare = 64;         ///< places beyond, for players who give up one that they have
  unsigned attempts_max = 4'096;        ///< half-open and lately established handshakes
  unsigned cookie_rate_per_s = 20'000;  ///< not 0: Connects answered in clear a second, and as many cookies checked
  unsigned spare_buffers = 512;         ///< kept at hand for each shard, and as many for the lane itself
  std::uint64_t protocol_id = 0;
  guard::AbuseGuardConfig abuse_guard;  ///< its cookies_per_s is cookie_rate_per_s
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
  bool refuse_unknown_builds = false;  ///< end sessions of clients that name no build of `integrity`
  guard::TypeRates type_rates = guard::TypeRates::usual();
  const channel::Dictionary* dictionary = nullptr;  ///< for packed bodies; null: none. Outlives the lane.
  /// What clients are told; its time-outs, rates and limits are also those that the lane enforces.
  message::ConnectionAccepted parameters;

  /// Of the session table.
  [[nodiscard]] unsigned places() const noexcept {
    return std::min(sessions_max + sessions_spare, session::sessions_per_lane_max);
  }
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

/// A datagram of a session that the io lane itself has to say, ready to be completed and sealed: control messages,
/// reliable messages, or nothing but acks. Its body lies as that of a link::OutRow does. 32 bytes.
struct ReplyRow {
  void* owner = nullptr;
  std::uint8_t* body = nullptr;
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint16_t body_bytes = 0;
  channel::SentPacket packet;  ///< what an ack is about
  std::uint8_t flags = 0;      ///< of the header, beside sealed and ack
  bool is_probe = false;       ///< to the address that the session may be moving to

  [[nodiscard]] wire::Buffer buffer() const noexcept { return {body - link::body_offset, owner}; }
};
static_assert(sizeof(ReplyRow) == 32);

/// An ack that a session has to send.
struct Due {
  std::uint32_t session = 0;
  std::uint32_t connection_id = 0;
  Nanos at = 0;
};

struct WaitingSessionEvent {
  std::uint32_t shard = 0;
  link::SessionEvent event;
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
  crypt::SecretNumbers secrets;  ///< ids of sessions, of probes and Pings, skipped sequences, challenges
  std::array<std::uint8_t, 16> attempt_salt{};
  wire::CrcSeed crc;

  session::Table table;
  session::AttemptTable attempts;
  session::AdmitLimits limits;
  guard::AbuseGuard abuse_guard;
  base::Budget clear_answers;  ///< to Connects without a cookie, or with one that does not hold

  base::FixedStack<wire::Buffer> spare;
  base::FixedFifo<ReadyRow> ready;
  base::FixedFifo<ReplyRow> replies;  ///< control messages and ack-only datagrams of sessions
  base::FixedFifo<Due> due_acks;
  SendQueue due_sends;  ///< sessions with reliable messages to be sent, but for those that wait for their windows
  channel::Pools pools;
  channel::Packer packer;
  base::FixedFifo<WaitingSessionEvent> session_events;  ///< joins and leaves that wait for room in a shard's ring

  std::uint32_t at_shards = 0;  ///< game messages that shards have not read, of sessions that ended too

  /// Input rows on their way to each shard.
  struct Steering {
    unsigned rows = 0;
    std::array<link::InputRow, wire::Batch::capacity> row;
  };
  std::vector<Steering> steering;
  std::array<PlanAcks, wire::Batch::capacity> plan_acks;      ///< by row of the batch in work
  std::array<std::uint8_t, wire::Batch::capacity> ack_bytes;  ///< length of the row's ack block
  /// Scratch: what became of a session's datagrams. Not on the stack, where each ack block would fill it with defaults.
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes;
  std::array<std::uint8_t, channel::unpacked_bytes_max> unpacked;  ///< scratch: the body being packed or unpacked

  AdminWork admin;
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

}  // namespace serried::io
