#pragma once
/// Login tokens: what lets a player in. Issued by the game's login service for one server.
/// Source  docs/wire-format.md section 4; XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03)

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypt/keys.h"
#include "serried/result.h"

namespace serried::crypt {

inline constexpr std::size_t token_bytes_max = 256;
inline constexpr std::size_t token_name_bytes_max = 32;
inline constexpr std::int64_t token_clock_skew_s = 30;
using TokenId = std::array<std::uint8_t, 16>;
/// An entity's id is its player's with the highest bit set: of two players that differ in that bit alone, one cannot
/// be.
inline constexpr std::uint64_t player_id_max = ~std::uint64_t{0} >> 1;

/// The key that the login service and one server share.
struct TokenKey {
  std::uint32_t key_id = 0;
  std::uint64_t protocol_id = 0;
  std::uint64_t server_id = 0;  ///< the audience
  Secret secret;
};

/// A player's name, held in place so that opening a token allocates nothing. At most 32 bytes of UTF-8; of a longer
/// text the first 32 bytes are kept and `cut` says so.
class TokenName {
 public:
  TokenName() = default;
  TokenName(std::string_view text) noexcept  // NOLINT: implicit, a name is a text
      : size_(static_cast<std::uint8_t>(text.size() < bytes_.size() ? text.size() : bytes_.size())),
        cut_(text.size() > bytes_.size()) {
    if (size_ != 0) std::memcpy(bytes_.data(), text.data(), size_);
  }
  TokenName(const char* text) noexcept : TokenName(std::string_view(text)) {}         // NOLINT: implicit
  TokenName(const std::string& text) noexcept : TokenName(std::string_view(text)) {}  // NOLINT: implicit

  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }
  operator std::string_view() const noexcept { return view(); }  // NOLINT: implicit
  [[nodiscard]] std::string string() const { return std::string(view()); }
  [[nodiscard]] const char* data() const noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool cut() const noexcept { return cut_; }
  [[nodiscard]] friend bool operator==(const TokenName& a, std::string_view b) noexcept { return a.view() == b; }
  [[nodiscard]] friend bool operator==(const TokenName& a, const TokenName& b) noexcept { return a.view() == b.view(); }
  [[nodiscard]] friend bool operator==(const TokenName& a, const char* b) noexcept { return a.view() == b; }

 private:
  std::array<char, token_name_bytes_max> bytes_{};
  std::uint8_t size_ = 0;
  bool cut_ = false;
};

/// What is sealed in a token. Times in unix seconds.
struct TokenClaims {
  TokenId id{};
  Secret secret;
  std::uint64_t player_id = 0;
  std::int64_t issued = 0;
  std::int64_t not_before = 0;
  std::int64_t expiry = 0;
  std::uint64_t audience = 0;
  std::uint32_t permissions = 0;
  TokenName name;
};

enum class TokenFault : std::uint8_t {
  none,
  malformed,
  unknown_key,
  forged,
  bad_player,
  not_yet,
  expired,
  wrong_server
};

/// Seal `claims`; a player id above player_id_max, a name that is too long or no plain UTF-8, or an expiry before
/// not_before, is an error.
[[nodiscard]] Result<std::vector<std::uint8_t>> issue_token(const TokenKey& key, const TokenClaims& claims,
                                                            const Entropy& entropy);
/// Open and check audience and times (30 s tolerance). `out` may be believed when the result is none; it is also
/// authentic, for messages that name the refused token, after bad_player, not_yet, expired and wrong_server.
[[nodiscard]] TokenFault open_token(const TokenKey& key, std::span<const std::uint8_t> token, std::int64_t unix_now,
                                    TokenClaims& out) noexcept;
[[nodiscard]] std::string_view token_fault_text(TokenFault fault) noexcept;

/// Key files: TOML-like text with key_id, protocol_id, server_id, secret (hex); see token_text.h. `save` creates the
/// file with mode 0600 and never overwrites one; `load` refuses a file that others may read.
[[nodiscard]] Result<TokenKey> load_token_key(const std::string& file);
[[nodiscard]] Result<Done> save_token_key(const TokenKey& key, const std::string& file);

}  // namespace serried::crypt
