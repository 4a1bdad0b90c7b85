#include "session/attempt.h"

#include "base/bytes.h"

namespace serried::session {

AttemptKey attempt_key(const std::array<std::uint8_t, 16>& salt, const wire::Path& source,
                       const crypt::PublicKey& client_ephemeral, const crypt::Hash& token_hash) noexcept {
  std::array<std::uint8_t, 16 + 16 + 2 + 32 + 32> input;
  base::ByteWriter out{input};
  out.write_bytes(salt);
  out.write_bytes(source.address);
  out.write(source.port);
  out.write_bytes(client_ephemeral);
  out.write_bytes(token_hash);
  return {crypt::sha256(out.written())};
}

}  // namespace serried::session
