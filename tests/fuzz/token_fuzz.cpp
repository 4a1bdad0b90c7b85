/// Tokens, key files and integrity files. First byte: 0, the rest is a token as it came; 1, the rest is the plaintext
/// of claims, sealed here, which gets the fuzzer past the tag; else, the rest is the text of a key file, and of an
/// integrity secret or table.

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <sodium.h>

#include "crypt/integrity.h"
#include "crypt/token.h"
#include "crypt/token_layout.h"
#include "crypt/token_text.h"

namespace {

using namespace serried;
using namespace serried::crypt;

void demand(bool condition) {
  if (!condition) std::abort();
}

TokenKey make_key() {
  TokenKey key;
  key.key_id = 7;
  key.protocol_id = 0x3164656972726573;
  key.server_id = 1;
  for (auto& byte : key.secret.bytes()) byte = 0x42;
  return key;
}

void open_bytes(const std::vector<std::uint8_t>& token) {
  static const TokenKey key = make_key();
  TokenClaims claims;
  const TokenFault fault = open_token(key, token, 1'700'000'000, claims);
  demand(!token_fault_text(fault).empty());
  if (fault == TokenFault::none) demand(claims.audience == key.server_id && claims.name.size() <= token_name_bytes_max);
}

void open_claims(std::span<const std::uint8_t> plain) {
  static const TokenKey key = make_key();
  using namespace token_layout;
  std::vector<std::uint8_t> token(prefix_bytes + plain.size() + seal_tag_bytes);
  base::store(token.data(), key.key_id);
  const Associated associated = associated_data(key);
  crypto_aead_xchacha20poly1305_ietf_encrypt(token.data() + prefix_bytes, nullptr, plain.data(), plain.size(),
                                             associated.data(), associated.size(), nullptr, token.data() + 4,
                                             key.secret.data());
  open_bytes(token);
}

void read_key_text(std::string_view text) {
  const Result<TokenKey> key = parse_token_key(text);
  if (!key) {
    demand(!key.error().message.empty());
    return;
  }
  const Result<TokenKey> again = parse_token_key(format_token_key(key.value()));
  demand(static_cast<bool>(again));
  demand(again.value().secret == key.value().secret && again.value().key_id == key.value().key_id &&
         again.value().protocol_id == key.value().protocol_id && again.value().server_id == key.value().server_id);
}

void read_integrity_text(std::string_view text) {
  const Result<IntegrityVersion> version = parse_integrity_version(text);
  if (version) {
    const auto again = parse_integrity_version(format_integrity_version(version.value()));
    demand(again && again.value().secret == version.value().secret &&
           again.value().version == version.value().version && again.value().entries == version.value().entries);
  }
  const Result<IntegrityTable> table = parse_integrity_table(text);
  if (table) {
    const auto again = parse_integrity_table(format_integrity_table(table.value()));
    demand(again && again.value().version == table.value().version && again.value().entries == table.value().entries);
  }
  demand(!(version && table));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) { return initialise() ? 0 : 1; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::span<const std::uint8_t> rest{data + 1, size - 1};
  switch (data[0]) {
    case 0:
      open_bytes({rest.begin(), rest.end()});
      break;
    case 1:
      open_claims(rest);
      break;
    default:
      read_key_text({reinterpret_cast<const char*>(rest.data()), rest.size()});
      read_integrity_text({reinterpret_cast<const char*>(rest.data()), rest.size()});
  }
  return 0;
}
