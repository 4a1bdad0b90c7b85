#pragma once
/// The lane that may be slow: X25519, tokens, and the one place that knows which tokens are spent and which session a
/// player has. Everything costly or global about a handshake happens here, behind bounded rings.

#include <cstdint>
#include <limits>
#include <vector>

#include "base/clock_watch.h"
#include "base/counter.h"
#include "base/fixed_map.h"
#include "crypt/token.h"
#include "link/handshake_link.h"
#include "serried/time.h"

namespace serried::handshake {

struct HandshakeConfig {
  crypt::TokenKey token_key;
  /// When the server started, on the clock of `poll`. Tokens issued before are refused: they may have been spent in an
  /// earlier run.
  Nanos started_at = 0;
  /// Spent tokens, kept at least until they expire. When full, logins are refused.
  std::uint32_t tokens_remembered = 0;
  std::uint32_t players_max = 0;
  crypt::Entropy entropy;
};

/// Owner   the handshake lane; readable from any thread
struct HandshakeCounters {
#define SERRIED_HANDSHAKE_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
};

class HandshakeLane {
 public:
  HandshakeLane(const HandshakeConfig& config, std::vector<link::HandshakeLink*> links);

  /// At most 8 jobs. Returns how many were done.
  unsigned poll(Nanos now, std::int64_t unix_now_s) noexcept;
  [[nodiscard]] const HandshakeCounters& counters() const noexcept { return counters_; }

 private:
  static constexpr unsigned jobs_per_poll = 8;
  static constexpr Nanos ephemeral_lifetime = 1 * second;
  /// Handshakes that one token may begin in the time that a half-open one is kept. Without it the holder of a single
  /// good token could fill every table of attempts and sessions, and pay for it only when a token is spent.
  static constexpr std::uint32_t begins_max = 8;
  static constexpr Nanos begins_window = 10 * second;
  // What a client is told that finds no room: how long a place, or one for a spent token, takes to come free is not
  // known.
  static constexpr Nanos retry_when_full = 5 * second;
  static constexpr Nanos retry_when_spent_full = 30 * second;

  struct TokenHash {
    std::size_t operator()(const crypt::TokenId& id) const noexcept;
  };
  struct PlayerHash {
    std::size_t operator()(std::uint64_t id) const noexcept;
  };
  struct ActiveSession {
    std::uint32_t link = 0;
    std::uint32_t connection_id = 0;
  };
  struct Begins {
    Nanos since = 0;
    std::uint32_t count = 0;
  };
  struct Spent {
    std::int64_t expiry = 0;
    Nanos kept_until = 0;  ///< not forgotten earlier, whatever the wall clock shows
  };

  void work_on(link::HandshakeJob& job, std::uint32_t link, Nanos now, std::int64_t unix_now_s) noexcept;
  void connect(link::HandshakeJob::Connect& work, std::uint32_t link, Nanos now, std::int64_t unix_now_s) noexcept;
  [[nodiscard]] bool make_room(link::HandshakeJob::Connect& work, std::uint32_t link, std::uint64_t player_id,
                               Nanos now) noexcept;
  /// Keep a place for a newcomer that has yet to prove its keys. False: there is none.
  [[nodiscard]] bool reserve_place(std::uint64_t player_id, Nanos now) noexcept;
  void confirm(link::HandshakeJob::Confirm& work, ActiveSession fresh, Nanos now, std::int64_t unix_now_s) noexcept;
  static void rekey(link::HandshakeJob::ComputeRekey& work, std::uint32_t connection_id) noexcept;
  template <class Work>
  static void deny(Work& work, message::DenyReason reason, base::Counter& counter) noexcept {
    work.denied = reason;
    counter.add(1);
  }
  void refresh_ephemeral(Nanos now) noexcept;
  void watch_clock(Nanos now, std::int64_t unix_now_s) noexcept;
  void forget_expired(Nanos now, std::int64_t unix_now_s) noexcept;
  [[nodiscard]] bool is_doubtful(const crypt::TokenClaims& claims, Nanos now, std::int64_t unix_now_s) const noexcept;
  /// After which time the token may begin another handshake, 0: now.
  [[nodiscard]] Nanos begins_again_in(const crypt::TokenId& token, Nanos now) noexcept;

  HandshakeConfig config_;
  std::vector<link::HandshakeLink*> links_;
  crypt::KeyPair ephemeral_;  // shared by the handshakes of one second, then wiped
  Nanos ephemeral_made_at_ = 0;
  Nanos swept_at_ = 0;
  bool has_ephemeral_ = false;
  base::FixedMap<crypt::TokenId, Spent, TokenHash> spent_;
  /// The latest expiry of a spent token that was forgotten.
  std::int64_t forgotten_through_ = std::numeric_limits<std::int64_t>::min();
  base::ClockWatch clock_watch_;
  Nanos set_back_at_ = 0;  ///< when the wall clock was last set back
  base::FixedMap<crypt::TokenId, Begins, TokenHash> begun_;
  base::FixedMap<std::uint64_t, ActiveSession, PlayerHash> active_;
  /// Since when a newcomer has a place without a session: with keys, but not proved. One a player, so that a login
  /// holds no more by beginning often.
  base::FixedMap<std::uint64_t, Nanos, PlayerHash> reserved_;
  HandshakeCounters counters_;
};

}  // namespace serried::handshake
