#pragma once
/// Game messages of the engine: actions, chat, and the self-describing pair for game code without a schema of its own.
/// Structs and their codecs; no state: which names are bound to which ids, message/symbol_pool.h knows.
/// Every decode returns false when the content is not exactly what docs/wire-format.md section 7 allows; then the
/// struct is unspecified. What decodes views the content. Every encode writes framing and content, or sets the writer's
/// error state.

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "message/type.h"

namespace serried::message {

/// request u32 | action u16 | target u64
struct Action {
  std::uint32_t request = 0;  ///< the client's to choose; comes back in ActionResult
  std::uint16_t action = 0;
  std::uint64_t target = 0;  ///< id of an entity, 0: none
};
void encode(base::ByteWriter& out, const Action& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Action& message) noexcept;

enum class ActionOutcome : std::uint8_t { done, unknown_action, refused, no_such_target, not_now };
/// request u32 | result u8
struct ActionResult {
  std::uint32_t request = 0;
  ActionOutcome result{};
};
void encode(base::ByteWriter& out, const ActionResult& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, ActionResult& message) noexcept;

enum class ChatScope : std::uint8_t { near, everybody, server };
inline constexpr std::size_t chat_text_bytes_max = 256;
/// scope u8 | sender u64 | text, 1 to 256 bytes of UTF-8
struct Chat {
  ChatScope scope{};
  std::uint64_t sender = 0;  ///< entity id of the speaker; 0 from a client, and from the server itself
  std::span<const std::uint8_t> text;
};
void encode(base::ByteWriter& out, const Chat& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Chat& message) noexcept;
/// What a client may send: it does not speak for another client, or for the server.
[[nodiscard]] constexpr bool may_come_from_client(const Chat& message) noexcept {
  return message.sender == 0 && message.scope != ChatScope::server;
}

inline constexpr std::size_t symbol_name_bytes_max = 64;

/// How a message names a component or a command:  id varint  or  0 varint | length u16 | UTF-8
struct SymbolRef {
  std::uint16_t id = 0;   ///< bound by a Symbol message before; 0: by its name
  std::string_view name;  ///< 1 to 64 bytes of UTF-8 when id is 0, else empty
};
[[nodiscard]] std::size_t symbol_ref_bytes(const SymbolRef& symbol) noexcept;

/// id varint | length u16 | UTF-8: from now on, in this direction, id means name.
struct Symbol {
  std::uint16_t id = 0;  ///< never 0
  std::string_view name;
};
void encode(base::ByteWriter& out, const Symbol& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Symbol& message) noexcept;

/// timestamp u64, ns | entity u64 | priority u8 | sequence u32 | count u16 | component*
struct StateUpdate {
  std::uint64_t timestamp_ns = 0;
  std::uint64_t entity = 0;
  std::uint8_t priority = 0;
  std::uint32_t sequence = 0;  ///< of the InputCommand that it answers
  std::uint16_t count = 0;
  std::span<const std::uint8_t> components;  ///< count of them, for ComponentReader
};
void encode(base::ByteWriter& out, const StateUpdate& message) noexcept;
/// Looks at every component: what decodes can be read to its end.
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, StateUpdate& message) noexcept;

/// symbol | size u32 | bytes
struct Component {
  SymbolRef name;
  std::span<const std::uint8_t> bytes;
};
/// The components of a StateUpdate, one by one:  for (Component c; reader.next(c);)
class ComponentReader {
 public:
  explicit ComponentReader(const StateUpdate& update) noexcept : in_(update.components), left_(update.count) {}
  /// False at the end; of an update that did not decode also where it stops making sense, and then not ok().
  [[nodiscard]] bool next(Component& out) noexcept;
  [[nodiscard]] bool ok() const noexcept { return in_.ok(); }

 private:
  friend bool decode(std::span<const std::uint8_t> content, StateUpdate& message) noexcept;
  base::ByteReader in_;
  std::uint16_t left_ = 0;
};

/// Writes the content of a StateUpdate piece by piece, without framing: what may be long goes to channel/reliable.h,
/// which knows whether it takes fragments. `add` copies a component; or `begin` names one, and what is then written to
/// `out`, up to the next call of the writer, is its value.
class StateUpdateWriter {
 public:
  /// `head`: its components and count are ignored. `out` lives longer than the writer.
  StateUpdateWriter(base::ByteWriter& out, const StateUpdate& head) noexcept;
  /// False: no room, or no name that can be written; then nothing is, and what was before stands.
  [[nodiscard]] bool add(const SymbolRef& name, std::span<const std::uint8_t> bytes) noexcept;
  void begin(const SymbolRef& name) noexcept;
  /// The whole content; empty when something did not fit or is longer than any message.
  [[nodiscard]] std::span<const std::uint8_t> end() noexcept;

 private:
  void close() noexcept;
  base::ByteWriter& out_;
  std::uint8_t* start_;            ///< of the content
  std::uint8_t* value_ = nullptr;  ///< of the component that is being written
  std::uint16_t count_ = 0;
};

/// player u64 | timestamp u64, ns | sequence u32 | command symbol | size u32 | bytes
struct InputCommand {
  std::uint64_t player = 0;
  std::uint64_t timestamp_ns = 0;
  std::uint32_t sequence = 0;  ///< the client's to choose; comes back in the StateUpdate that answers
  SymbolRef command;
  std::span<const std::uint8_t> bytes;
};
void encode(base::ByteWriter& out, const InputCommand& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, InputCommand& message) noexcept;

/// Writes the content of an InputCommand without framing: what is written to `out` between construction and end() is
/// its value.
class InputCommandWriter {
 public:
  /// `head`: its bytes are ignored. `out` lives longer than the writer.
  InputCommandWriter(base::ByteWriter& out, const InputCommand& head) noexcept;
  /// The whole content; empty when something did not fit or is longer than any message.
  [[nodiscard]] std::span<const std::uint8_t> end() noexcept;

 private:
  base::ByteWriter& out_;
  std::uint8_t* start_;
  std::uint8_t* value_ = nullptr;
};

}  // namespace serried::message
