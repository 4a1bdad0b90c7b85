/// Codec of the client's inputs: one a client and tick on the server's receiving side.

#include "message/input.h"

#include "message/codec.h"

namespace serried::message {

namespace {

/// What both forms begin with.
void write_common(base::ByteWriter& out, const Input& message) noexcept {
  out.write(message.sequence);
  out.write(message.client_tick);
  out.write(message.move_x);
  out.write(message.move_y);
  out.write(message.yaw);
  out.write(message.buttons);
}

[[nodiscard]] bool read_common(base::ByteReader& in, Input& message) noexcept {
  message.sequence = in.read<std::uint16_t>();
  message.client_tick = in.read<std::uint32_t>();
  message.move_x = in.read<std::int8_t>();
  message.move_y = in.read<std::int8_t>();
  message.yaw = in.read<std::int16_t>();
  message.buttons = in.read<std::uint8_t>();
  return message.move_x != -128 && message.move_y != -128 && (message.buttons & ~button::all) == 0;
}

}  // namespace

void encode(base::ByteWriter& out, const Input& message) noexcept {
  if (message.predicted_float) {
    if (!detail::begin(out, Type::sync_entity, input_float_content_bytes)) return;
    write_common(out, message);
    detail::write_each(out, message.predicted);
  } else {
    if (!detail::begin(out, Type::sync_entity_quantized, input_quantised_content_bytes)) return;
    write_common(out, message);
    out.write(message.predicted_section_mod4);
    detail::write_each(out, message.predicted_quantised);
  }
}

bool decode_sync_entity(std::span<const std::uint8_t> content, Input& message) noexcept {
  base::ByteReader in(content);
  const bool legal = read_common(in, message);
  message.predicted_float = true;
  detail::read_each(in, message.predicted);
  message.predicted_section_mod4 = 0;
  message.predicted_quantised = {};
  return in.complete() && legal && detail::finite(message.predicted);
}

bool decode_sync_entity_quantized(std::span<const std::uint8_t> content, Input& message) noexcept {
  base::ByteReader in(content);
  const bool legal = read_common(in, message);
  message.predicted_float = false;
  message.predicted = {};
  message.predicted_section_mod4 = in.read<std::uint8_t>();
  detail::read_each(in, message.predicted_quantised);
  return in.complete() && legal && message.predicted_section_mod4 <= 0x3F;
}

}  // namespace serried::message
