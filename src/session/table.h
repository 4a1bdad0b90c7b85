#pragma once
/// The sessions of one io lane, laid out by what touches them when: one line for admission, one for opening, the rest
/// behind. The lane owns every row outright; no other lane reads or writes them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "channel/ack.h"
#include "channel/congestion.h"
#include "channel/reliable.h"
#include "crypt/keys.h"
#include "crypt/replay.h"
#include "guard/type_limits.h"
#include "message/control.h"
#include "serried/time.h"
#include "session/id.h"
#include "wire/datagram.h"
#include "wire/path.h"

namespace serried::session {

/// The life of a session.
///
///     free -> half_open -> confirming -> established -> playing -> closing -> free
///             |            |                            joined in a shard
///             |            CryptoTest came, the token is being spent
///             keys are there, Accepted sent
enum class State : std::uint8_t { free, half_open, confirming, established, playing, closing };

/// Whether datagrams of a session in this state are opened at all.
[[nodiscard]] constexpr bool opens(State state) noexcept {
  return state >= State::half_open && state <= State::playing;
}

/// First line: admission.
struct alignas(64) Admission {
  std::uint32_t connection_id = 0;
  State state = State::free;
  std::uint8_t shard = 0;
  std::uint16_t last_input = 0;       ///< newest input sequence handed on, valid when has_input
  std::uint32_t next_allowed_us = 0;  ///< GCRA: theoretical arrival time of the next datagram, wrapping microseconds
  bool has_input = false;
  bool ack_queued = false;         ///< stands in the lane's queue of due acks
  bool send_wanted = false;        ///< has reliable messages to be sent, now or later
  std::uint8_t receive_phase = 0;  ///< lowest bit of the epoch of Peer::receive_key
  Nanos heard_at = 0;
  crypt::ReplayWindow replay;
};
static_assert(sizeof(Admission) == 64);

/// Second line: opening, and where answers go.
struct alignas(64) Peer {
  crypt::Secret receive_key;
  wire::Path path;
};
static_assert(sizeof(Peer) == 64);

/// What sending, and being acked, touches: some lines, then the queue of what was sent.
struct alignas(64) Outbound {
  crypt::Secret send_key;
  std::uint8_t key_phase_flag = 0;  ///< wire::flag::key_phase when the epoch of send_key is odd
  bool held_back = false;           ///< the shard was last told of no room for a datagram, or did not get the row
  std::uint32_t taken_bytes = 0;    ///< of plans, see link::OutRow::Datagram::charge
  std::uint64_t sealed_bytes = 0;   ///< under the keys in use, both directions
  channel::Congestion congestion;
  channel::ReceivedDatagrams received;
  alignas(64) channel::SentDatagrams sent;

  /// All but the queue of what was sent, of which `sent.prefetch()` knows the places once this is here.
  void prefetch() const noexcept {
    for (std::size_t line = 0; line < hot_bytes; line += 64)
      __builtin_prefetch(reinterpret_cast<const char*>(this) + line, 1);
  }
  static constexpr std::size_t hot_bytes = 192;
};
static_assert(offsetof(Outbound, sent) + channel::SentDatagrams::hot_bytes == Outbound::hot_bytes);

/// A change of keys.
/// Source  docs/wire-format.md section 5
struct Rekey {
  enum class Stage : std::uint8_t {
    idle,
    preparing,  ///< the handshake lane makes our ephemeral key
    asked,      ///< RekeyRequest is on its way
    answered,   ///< RekeyResponse has come, and waits for the handshake lane
    computing,  ///< the handshake lane has it
    switching,  ///< we seal under the new key; nothing has opened under it yet
    retiring,   ///< the client seals under the new key; what it sent before may still arrive
  };
  Stage stage = Stage::idle;
  std::uint8_t epoch = 0;           ///< of the newest keys, or of those being made
  Nanos since = 0;                  ///< of this stage; idle: of the keys
  crypt::Secret other_receive_key;  ///< switching: the new one; retiring: the old one
  crypt::KeyPair ephemeral;         ///< asked, answered, computing
  crypt::PublicKey theirs{};        ///< answered
  crypt::Secret next;               ///< what the next epoch grows from

  [[nodiscard]] bool two_keys() const noexcept { return stage == Stage::switching || stage == Stage::retiring; }
};

/// An address that the session may be moving to.
/// Source  docs/wire-format.md section 8, Roaming
struct Roam {
  wire::Path candidate;
  std::uint64_t probe_id = 0;  ///< 0: none is being probed
  Nanos since = 0, probed_at = 0;
  std::uint32_t received_bytes = 0, sent_bytes = 0;
  std::uint8_t wrong_ids = 0;
};

/// Integrity challenges.
/// Source  docs/wire-format.md section 8
struct Integrity {
  std::uint32_t build = 0;  ///< as the client named it; 0: it did not
  std::uint16_t index = 0;
  bool waiting = false;
  std::array<std::uint8_t, 16> nonce{};
  Nanos at = 0;  ///< of the challenge that waits, or of the next one
};

/// What neither direction touches per datagram.
struct Cold {
  crypt::Secret exporter;
  Rekey rekey;
  Roam roam;
  Integrity integrity;
  bool reliable_met = false;     ///< the client's ReliableHandshake has come
  std::uint32_t dictionary = 0;  ///< that both sides have; 0: none
  guard::TypeLimits type_limits;
  std::uint64_t player_id = 0;
  std::array<std::uint8_t, 16> token_id{};
  std::int64_t token_expiry = 0;
  crypt::Hash attempt{};  ///< key of the attempt that it came from
  Nanos opened_at = 0;
  Nanos ping_at = 0;         ///< when the last Ping of the present silence went out
  message::CryptoTest test;  ///< the CryptoTest to be answered once the token is spent
  message::DisconnectReason reason{};
  std::uint8_t disconnects_left = 0;
  std::uint8_t at_shard = 0;  ///< game messages that the shard has not read: room is kept for their answers
  bool in_world = false;      ///< a shard was told to join, and must be told to leave
  bool join_waits = false;    ///< the shard's ring had no room for that yet
  bool spent = false;         ///< the handshake lane knows this session as its player's
  std::uint32_t previous_id = 0;
  std::uint32_t foreign_allowed_us = 0;  ///< like Admission::next_allowed_us, for what comes from other addresses
};

/// Fixed capacity, a free list in the order of release (a slot rests as long as it can).
class Table {
 public:
  Table(std::uint32_t lane, std::uint32_t capacity);

  /// A free slot in state half_open with a new id, or `none` when all are taken. `random` makes the id unpredictable.
  /// Its keys are the caller's to set.
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  [[nodiscard]] std::uint32_t allocate(std::uint64_t random, Nanos now) noexcept;
  /// Wipe the keys, give back what the reliable channels hold, and the slot.
  void release(std::uint32_t slot, channel::Pools& pools) noexcept;

  /// The slot of a live id, or none. A wrong random part is no session.
  [[nodiscard]] std::uint32_t find(std::uint32_t connection_id) const noexcept {
    const std::uint32_t slot = slot_of(connection_id);
    if (lane_of(connection_id) != lane_ || slot >= capacity_) return none;
    const Admission& row = admission_[slot];
    return row.connection_id == connection_id && row.state != State::free ? slot : none;
  }
  void prefetch(std::uint32_t connection_id) const noexcept {
    const std::uint32_t slot = slot_of(connection_id);
    if (slot >= capacity_) return;
    __builtin_prefetch(&admission_[slot]);
    __builtin_prefetch(&peer_[slot]);
  }

  [[nodiscard]] Admission& admission(std::uint32_t slot) noexcept { return admission_[slot]; }
  [[nodiscard]] const Admission& admission(std::uint32_t slot) const noexcept { return admission_[slot]; }
  [[nodiscard]] Peer& peer(std::uint32_t slot) noexcept { return peer_[slot]; }
  [[nodiscard]] Outbound& outbound(std::uint32_t slot) noexcept { return outbound_[slot]; }
  [[nodiscard]] channel::Reliable& reliable(std::uint32_t slot) noexcept { return reliable_[slot]; }
  [[nodiscard]] Cold& cold(std::uint32_t slot) noexcept { return cold_[slot]; }

  /// The key under which a datagram with these flags is to be opened; nullptr: there is none of this phase.
  [[nodiscard]] const std::uint8_t* receive_key(std::uint32_t slot, std::uint8_t flags) const noexcept {
    const bool odd = (flags & wire::flag::key_phase) != 0;
    if (odd == (admission_[slot].receive_phase != 0)) [[likely]]
      return peer_[slot].receive_key.data();
    const Rekey& rekey = cold_[slot].rekey;
    return rekey.two_keys() ? rekey.other_receive_key.data() : nullptr;
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
  /// Slots at and above it were never used: a sweep ends here.
  [[nodiscard]] std::uint32_t high_water() const noexcept { return high_water_; }
  [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }
  [[nodiscard]] static constexpr std::size_t bytes_per_session() noexcept {
    return sizeof(Admission) + sizeof(Peer) + sizeof(Outbound) + sizeof(channel::Reliable) + sizeof(Cold) +
           sizeof(std::uint32_t);
  }

 private:
  std::uint32_t lane_;
  std::uint32_t capacity_;
  std::uint32_t in_use_ = 0;
  std::uint32_t high_water_ = 0;
  std::uint32_t free_head_ = 0;  // free_ is a ring: slots leave at the head and come back at the tail
  std::uint32_t free_count_ = 0;
  std::vector<Admission> admission_;
  std::vector<Peer> peer_;
  std::vector<Outbound> outbound_;
  std::vector<channel::Reliable> reliable_;
  std::vector<Cold> cold_;
  std::vector<std::uint32_t> free_;
};

}  // namespace serried::session
