#pragma once
/// Names and their ids, of one session and one direction: what Symbol messages have bound.
///
///     SymbolPool    receives, and wants the names back (a client)
///     SymbolTable   receives, and only wants to know which of the names that the program knows is meant (a shard lane,
///                   one a viewer: 260 bytes, no names)
///     SymbolBinder  sends: which id a name has, or may get
///
/// Source  docs/wire-format.md section 7

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "message/game.h"

namespace serried::message {

/// Every receiver keeps so many, so a sender binds no more.
inline constexpr std::uint16_t symbols_min = 64;

/// What became of a Symbol message.
enum class Bound : std::uint8_t {
  fresh,
  same,       ///< was bound like that before: ignored
  malformed,  ///< the id means another name
  full,       ///< no room: dropped
};

/// All memory at construction.
/// Owner   one client session
class SymbolPool {
 public:
  static constexpr std::uint16_t symbols_max = 1024;
  static constexpr std::size_t text_bytes_max = 16 * 1024;

  /// Room for symbols_min to symbols_max names, of together at most text_bytes_max.
  explicit SymbolPool(std::uint16_t symbols = symbols_min);

  [[nodiscard]] Bound bind(const Symbol& symbol) noexcept;
  /// The name that is meant; empty: the id is not bound, and the message that uses it malformed.
  [[nodiscard]] std::string_view resolve(const SymbolRef& symbol) const noexcept;
  /// Every id that `update` uses is bound. Precondition: it decoded.
  [[nodiscard]] bool binds_all(const StateUpdate& update) const noexcept;
  /// A new session: nothing is bound.
  void clear() noexcept { size_ = text_bytes_ = 0; }
  [[nodiscard]] std::uint16_t size() const noexcept { return size_; }

 private:
  struct Entry {
    std::uint16_t id;
    std::uint16_t offset;
    std::uint16_t bytes;
  };
  [[nodiscard]] std::uint16_t place(std::uint16_t id) const noexcept;
  [[nodiscard]] std::string_view name(const Entry& entry) const noexcept {
    return {text_.data() + entry.offset, entry.bytes};
  }

  std::vector<Entry> entries_;  ///< by id: an attacker chooses ids, so nothing is hashed
  std::vector<char> text_;
  std::uint16_t size_ = 0;
  std::uint16_t text_bytes_ = 0;
};

/// Whether a list of names can serve a SymbolTable: rising, each once. For a static_assert.
[[nodiscard]] constexpr bool strictly_rising(std::span<const std::string_view> names) noexcept {
  for (std::size_t i = 1; i < names.size(); ++i)
    if (names[i - 1] >= names[i]) return false;
  return true;
}

/// `names` is the same strictly rising list in every call, at most `commands_max` of them.
class SymbolTable {
 public:
  static constexpr std::uint16_t commands_max = 0x7FFF;
  static constexpr std::uint16_t unknown = 0xFFFF;  ///< a name that is not in the list
  static constexpr std::uint16_t unbound = 0xFFFE;  ///< an id without a name: the message is malformed

  [[nodiscard]] Bound bind(std::span<const std::string_view> names, const Symbol& symbol) noexcept;
  /// Index in `names`, unknown or unbound.
  [[nodiscard]] std::uint16_t resolve(std::span<const std::string_view> names, const SymbolRef& symbol) const noexcept;

 private:
  [[nodiscard]] std::uint16_t place(std::uint16_t id) const noexcept;

  std::array<std::uint16_t, symbols_min> ids_{};  ///< rising
  /// Index of a known name. Of an unknown one top bit and 15 bits of a hash: bound to another unknown name afterwards
  /// it is malformed, and where the hash does not tell, no harm is done.
  std::array<std::uint16_t, symbols_min> commands_{};
  std::uint16_t size_ = 0;
};
static_assert(sizeof(SymbolTable) <= 260);

/// Binds at most symbols_min names to the ids from 1 on. All memory at construction.
/// Owner   one sender
class SymbolBinder {
 public:
  SymbolBinder();

  /// How to say `name` now: by its id, or by itself.
  [[nodiscard]] SymbolRef refer(std::string_view name) const noexcept;
  /// The Symbol to send, on channel 1, before `name` can be said by an id; id 0: it is bound already, no name that can
  /// be sent, or there is no room.
  [[nodiscard]] Symbol offer(std::string_view name) const noexcept;
  /// The offer was queued: it stands.
  void bind(const Symbol& offered) noexcept;
  /// A new session: nothing is bound.
  void clear() noexcept { size_ = 0; }

 private:
  struct Entry {
    std::array<char, symbol_name_bytes_max> text;
    std::uint8_t bytes;
    std::uint8_t id;
    [[nodiscard]] std::string_view name() const noexcept { return {text.data(), bytes}; }
  };
  /// Where `name` is, or would be.
  [[nodiscard]] std::uint16_t place(std::string_view name) const noexcept;

  std::vector<Entry> entries_;  ///< by name
  std::uint16_t size_ = 0;
};

}  // namespace serried::message
