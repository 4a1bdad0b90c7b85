/// Codecs of the game messages. Names are checked here, for form only; what an id means is the receiver's to know.

#include "message/game.h"

#include "base/utf8.h"
#include "message/codec.h"

namespace serried::message {

namespace {

constexpr std::size_t action_content_bytes = 4 + 2 + 8;
constexpr std::size_t action_result_content_bytes = 4 + 1;
constexpr std::size_t chat_head_bytes = 1 + 8;
constexpr std::size_t state_update_head_bytes = 8 + 8 + 1 + 4 + 2;
constexpr std::size_t input_command_head_bytes = 8 + 8 + 4;
constexpr std::size_t count_offset = state_update_head_bytes - sizeof(std::uint16_t);
constexpr std::uint16_t components_max = 0xFFFF;

[[nodiscard]] bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= symbol_name_bytes_max && base::is_utf8(text);
}
[[nodiscard]] bool writable(const SymbolRef& symbol) noexcept {
  return symbol.id != 0 ? symbol.name.empty() : is_name(symbol.name);
}
[[nodiscard]] bool is_chat(const Chat& message) noexcept {
  return message.scope <= ChatScope::server && (message.scope != ChatScope::server || message.sender == 0) &&
         !message.text.empty() && message.text.size() <= chat_text_bytes_max &&
         base::is_utf8(base::as_text(message.text));
}

[[nodiscard]] std::string_view read_name(base::ByteReader& in) noexcept {
  const std::size_t length = in.read<std::uint16_t>();
  const std::string_view name = base::as_text(in.read_bytes(length));
  if (!is_name(name)) in.fail();
  return name;
}
void write_name(base::ByteWriter& out, std::string_view name) noexcept {
  out.write(static_cast<std::uint16_t>(name.size()));
  out.write_bytes(base::as_bytes(name));
}

[[nodiscard]] std::uint16_t read_id(base::ByteReader& in) noexcept {
  const std::uint64_t id = in.read_varint();
  if (id > 0xFFFF) in.fail();
  return static_cast<std::uint16_t>(id);
}

[[nodiscard]] SymbolRef read_symbol_ref(base::ByteReader& in) noexcept {
  SymbolRef symbol;
  symbol.id = read_id(in);
  if (symbol.id == 0) symbol.name = read_name(in);
  return symbol;
}
void write_symbol_ref(base::ByteWriter& out, const SymbolRef& symbol) noexcept {
  out.write_varint(symbol.id);
  if (symbol.id == 0) write_name(out, symbol.name);
}

/// size u32 | bytes
[[nodiscard]] std::span<const std::uint8_t> read_sized(base::ByteReader& in) noexcept {
  const std::size_t size = in.read<std::uint32_t>();
  return in.read_bytes(size);
}
/// The value that began at `value`, behind room for its size, ends here.
void close_sized(const base::ByteWriter& out, std::uint8_t* value) noexcept {
  base::store(value - sizeof(std::uint32_t), static_cast<std::uint32_t>(out.position() - value));
}
/// What was written from `start` on, when it is whole and no longer than the content of any message.
[[nodiscard]] std::span<const std::uint8_t> content_from(const base::ByteWriter& out,
                                                         const std::uint8_t* start) noexcept {
  const auto bytes = static_cast<std::size_t>(out.position() - start);
  if (!out.ok() || bytes > message_bytes_max - 1) return {};
  return {start, bytes};
}

void write_head(base::ByteWriter& out, const StateUpdate& message) noexcept {
  out.write(message.timestamp_ns);
  out.write(message.entity);
  out.write(message.priority);
  out.write(message.sequence);
}
void write_head(base::ByteWriter& out, const InputCommand& message) noexcept {
  out.write(message.player);
  out.write(message.timestamp_ns);
  out.write(message.sequence);
  write_symbol_ref(out, message.command);
}

}  // namespace

std::size_t symbol_ref_bytes(const SymbolRef& symbol) noexcept {
  return base::varint_bytes(symbol.id) + (symbol.id == 0 ? sizeof(std::uint16_t) + symbol.name.size() : 0);
}

void encode(base::ByteWriter& out, const Action& message) noexcept {
  if (!detail::begin(out, Type::action, action_content_bytes)) return;
  out.write(message.request);
  out.write(message.action);
  out.write(message.target);
}

bool decode(std::span<const std::uint8_t> content, Action& message) noexcept {
  base::ByteReader in(content);
  message.request = in.read<std::uint32_t>();
  message.action = in.read<std::uint16_t>();
  message.target = in.read<std::uint64_t>();
  return in.complete();
}

void encode(base::ByteWriter& out, const ActionResult& message) noexcept {
  if (!detail::begin(out, Type::action_result, action_result_content_bytes)) return;
  out.write(message.request);
  out.write(message.result);
}

bool decode(std::span<const std::uint8_t> content, ActionResult& message) noexcept {
  base::ByteReader in(content);
  message.request = in.read<std::uint32_t>();
  message.result = in.read<ActionOutcome>();
  return in.complete() && message.result <= ActionOutcome::not_now;
}

void encode(base::ByteWriter& out, const Chat& message) noexcept {
  if (!is_chat(message)) {
    out.fail();
    return;
  }
  if (!detail::begin(out, Type::chat, chat_head_bytes + message.text.size())) return;
  out.write(message.scope);
  out.write(message.sender);
  out.write_bytes(message.text);
}

bool decode(std::span<const std::uint8_t> content, Chat& message) noexcept {
  base::ByteReader in(content);
  message.scope = in.read<ChatScope>();
  message.sender = in.read<std::uint64_t>();
  message.text = in.read_rest();
  return in.complete() && is_chat(message);
}

void encode(base::ByteWriter& out, const Symbol& message) noexcept {
  if (message.id == 0 || !is_name(message.name)) {
    out.fail();
    return;
  }
  const std::size_t bytes = base::varint_bytes(message.id) + sizeof(std::uint16_t) + message.name.size();
  if (!detail::begin(out, Type::symbol, bytes)) return;
  out.write_varint(message.id);
  write_name(out, message.name);
}

bool decode(std::span<const std::uint8_t> content, Symbol& message) noexcept {
  base::ByteReader in(content);
  message.id = read_id(in);
  message.name = read_name(in);
  return in.complete() && message.id != 0;
}

void encode(base::ByteWriter& out, const StateUpdate& message) noexcept {
  if (!detail::begin(out, Type::state_update, state_update_head_bytes + message.components.size())) return;
  write_head(out, message);
  out.write(message.count);
  out.write_bytes(message.components);
}

bool decode(std::span<const std::uint8_t> content, StateUpdate& message) noexcept {
  base::ByteReader in(content);
  message.timestamp_ns = in.read<std::uint64_t>();
  message.entity = in.read<std::uint64_t>();
  message.priority = in.read<std::uint8_t>();
  message.sequence = in.read<std::uint32_t>();
  message.count = in.read<std::uint16_t>();
  message.components = in.read_rest();
  if (!in.ok()) return false;
  ComponentReader reader(message);
  for (Component component; reader.next(component);) {
  }
  return reader.in_.complete();
}

bool ComponentReader::next(Component& out) noexcept {
  if (left_ == 0 || !in_.ok()) return false;
  --left_;
  out.name = read_symbol_ref(in_);
  out.bytes = read_sized(in_);
  return in_.ok();
}

StateUpdateWriter::StateUpdateWriter(base::ByteWriter& out, const StateUpdate& head) noexcept
    : out_(out), start_(out.position()) {
  write_head(out, head);
  out.write<std::uint16_t>(0);  // the count, once it is known
}

bool StateUpdateWriter::add(const SymbolRef& name, std::span<const std::uint8_t> bytes) noexcept {
  const std::size_t needed = symbol_ref_bytes(name) + sizeof(std::uint32_t) + bytes.size();
  if (!writable(name) || count_ == components_max || !out_.ok() || out_.room() < needed) return false;
  begin(name);
  out_.write_bytes(bytes);
  return true;
}

void StateUpdateWriter::begin(const SymbolRef& name) noexcept {
  close();
  if (!writable(name) || count_ == components_max) {
    out_.fail();
    return;
  }
  ++count_;
  write_symbol_ref(out_, name);
  out_.write<std::uint32_t>(0);  // the size, once it is known
  if (out_.ok()) value_ = out_.position();
}

void StateUpdateWriter::close() noexcept {
  if (value_ != nullptr) close_sized(out_, value_);
  value_ = nullptr;
}

std::span<const std::uint8_t> StateUpdateWriter::end() noexcept {
  close();
  if (!out_.ok()) return {};
  base::store(start_ + count_offset, count_);
  return content_from(out_, start_);
}

void encode(base::ByteWriter& out, const InputCommand& message) noexcept {
  if (!writable(message.command)) {
    out.fail();
    return;
  }
  const std::size_t bytes =
      input_command_head_bytes + symbol_ref_bytes(message.command) + sizeof(std::uint32_t) + message.bytes.size();
  if (!detail::begin(out, Type::input_command, bytes)) return;
  write_head(out, message);
  out.write(static_cast<std::uint32_t>(message.bytes.size()));
  out.write_bytes(message.bytes);
}

bool decode(std::span<const std::uint8_t> content, InputCommand& message) noexcept {
  base::ByteReader in(content);
  message.player = in.read<std::uint64_t>();
  message.timestamp_ns = in.read<std::uint64_t>();
  message.sequence = in.read<std::uint32_t>();
  message.command = read_symbol_ref(in);
  message.bytes = read_sized(in);
  return in.complete();
}

InputCommandWriter::InputCommandWriter(base::ByteWriter& out, const InputCommand& head) noexcept
    : out_(out), start_(out.position()) {
  if (!writable(head.command)) {
    out.fail();
    return;
  }
  write_head(out, head);
  out.write<std::uint32_t>(0);  // the size, once it is known
  if (out.ok()) value_ = out.position();
}

std::span<const std::uint8_t> InputCommandWriter::end() noexcept {
  if (value_ == nullptr) return {};
  close_sized(out_, value_);
  value_ = nullptr;
  return content_from(out_, start_);
}

}  // namespace serried::message
