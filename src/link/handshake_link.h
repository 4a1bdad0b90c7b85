#pragma once
/// Between an io lane and the handshake lane: jobs in a pool that the io lane owns, lent out by index.

#include <array>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "base/fixed_stack.h"
#include "crypt/cookie.h"
#include "crypt/keys.h"
#include "crypt/token.h"
#include "link/spsc.h"
#include "message/control.h"
#include "wire/path.h"

namespace serried::link {

/// Work for a session, of one of four kinds, each with what goes in and what comes out. The holder of the index (the io
/// lane, a ring, the handshake lane) owns it.
class HandshakeJob {
 public:
  enum class Kind : std::uint8_t { none, connect, confirm, prepare_rekey, compute_rekey };

  /// For whom the io lane has a place: for fewer the further down.
  enum class Room : std::uint8_t {
    for_all,
    for_returning,       ///< players who give one up, of any lane
    for_returning_here,  ///< players who give up one of this lane
    for_none,
  };

  /// A Connect with a good cookie, on its way to what keys are derived from. It has no session yet: that begins when
  /// the token has proved who the player is.
  struct Connect {
    static constexpr Kind kind = Kind::connect;
    wire::Path from;
    Room room = Room::for_all;
    crypt::PublicKey client_ephemeral{};
    crypt::Cookie cookie{};
    crypt::Proof proof{};
    std::uint16_t token_bytes = 0;
    std::array<std::uint8_t, crypt::token_bytes_max> token;
    crypt::Hash token_hash{};
    crypt::Hash attempt{};  ///< AttemptKey, for the io lane
    // out
    std::optional<message::DenyReason> denied;
    std::uint32_t retry_after_ms = 0;  ///< of a denial
    bool returns = false;              ///< the player has a session, or had the one that was ended to make room
    std::uint64_t player_id = 0;
    crypt::TokenId token_id{};
    std::int64_t token_expiry = 0;
    crypt::KeyContext context;  ///< all but the connection id
    crypt::Secret token_secret, shared;
  };
  /// A CryptoTest, on its way to a spent token.
  struct Confirm {
    static constexpr Kind kind = Kind::confirm;
    std::uint64_t player_id = 0;
    crypt::TokenId token_id{};
    std::int64_t token_expiry = 0;
    // out
    std::optional<message::DenyReason> denied;
  };
  /// The first half of a rekey: out comes the server's key.
  struct PrepareRekey {
    static constexpr Kind kind = Kind::prepare_rekey;
    crypt::KeyPair ephemeral;
  };
  /// The second half: the server's key and the client's make those of the session's next epoch.
  struct ComputeRekey {
    static constexpr Kind kind = Kind::compute_rekey;
    std::uint8_t epoch = 0;  ///< the one that begins
    crypt::KeyPair ephemeral;
    crypt::PublicKey client_ephemeral{};
    crypt::Secret next;  ///< of the epoch that ends
    // out
    bool refused = false;  ///< the shared secret was all zero
    crypt::SessionKeys keys;
  };

  std::uint32_t session = 0;
  std::uint32_t connection_id = 0;

  /// New work, with the values that its members have at first.
  template <class Work>
  Work& begin() noexcept {
    kind_ = Work::kind;
    return as<Work>() = Work{};
  }
  /// Precondition: the work is of this kind.
  template <class Work>
  [[nodiscard]] Work& as() noexcept {
    SERRIED_DCHECK(kind_ == Work::kind);
    return std::get<Work>(work_);
  }
  template <class Work>
  [[nodiscard]] const Work& as() const noexcept {
    SERRIED_DCHECK(kind_ == Work::kind);
    return std::get<Work>(work_);
  }
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// The work is over: its secrets are wiped.
  void end() noexcept {
    work_ = AllWork{};
    kind_ = Kind::none;
  }

 private:
  using AllWork = std::tuple<Connect, Confirm, PrepareRekey, ComputeRekey>;
  AllWork work_;  ///< side by side: of one kind at a time
  Kind kind_ = Kind::none;
};

/// io -> handshake: the session of a player is over.
struct SessionEnd {
  std::uint64_t player_id = 0;
  std::uint32_t connection_id = 0;
  std::uint32_t reserved = 0;
};

/// handshake -> io: end this session, its player has a newer one.
struct Superseded {
  std::uint32_t connection_id = 0;
};

struct HandshakeLink {
  /// `sessions_max`: places of the io lane's session table.
  HandshakeLink(unsigned jobs_max, unsigned sessions_max)
      : jobs(jobs_max),
        free(jobs_max),
        requests(jobs_max),
        results(jobs_max),
        ended(sessions_max),
        superseded(sessions_max) {
    for (unsigned i = 0; i < jobs_max; ++i) free.push(i);
  }
  std::vector<HandshakeJob> jobs;
  base::FixedStack<std::uint32_t> free;  // io lane only
  Spsc<std::uint32_t> requests;          // io -> handshake
  Spsc<std::uint32_t> results;           // handshake -> io
  Spsc<SessionEnd> ended;                // io -> handshake
  Spsc<Superseded> superseded;           // handshake -> io
};

}  // namespace serried::link
