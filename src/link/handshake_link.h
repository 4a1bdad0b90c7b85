#pragma once
/// Between an io lane and the handshake lane: jobs in a pool that the io lane owns, lent out by index.

#include <array>
#include <cstdint>
#include <vector>

#include "base/fixed_stack.h"
#include "crypt/cookie.h"
#include "crypt/keys.h"
#include "crypt/token.h"
#include "link/spsc.h"
#include "message/control.h"

namespace serried::link {

/// One Connect with a good cookie on its way to keys, one CryptoTest on its way to a spent token, or half a rekey.
/// The holder of the index (the io lane, a ring, the handshake lane) owns it.
struct HandshakeJob {
  enum class Kind : std::uint8_t { connect, confirm, rekey_prepare, rekey_compute };
  Kind kind{};
  std::uint32_t session = 0;
  std::uint32_t connection_id = 0;

  // connect, in
  crypt::PublicKey client_ephemeral{};
  crypt::Cookie cookie{};
  crypt::Proof proof{};
  std::uint16_t token_bytes = 0;
  std::array<std::uint8_t, crypt::token_bytes_max> token;
  crypt::Hash attempt{};  ///< AttemptKey, handed back

  // connect, out; confirm, in
  std::uint64_t player_id = 0;
  crypt::TokenId token_id{};
  std::int64_t token_expiry = 0;

  // rekey_prepare, out; rekey_compute, in: with client_ephemeral, keys.next
  crypt::KeyPair ephemeral;
  std::uint8_t epoch = 0;

  // out
  bool denied = false;  ///< rekey_compute: the shared secret was all zero
  message::DenyReason reason{};
  crypt::PublicKey server_ephemeral{};
  std::array<std::uint8_t, 16> server_random{};
  crypt::SessionKeys keys;
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
