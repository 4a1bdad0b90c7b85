#pragma once
/// What a client sends while it plays: intentions, never state.
/// Source  docs/wire-format.md section 7

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "message/entity.h"
#include "message/type.h"

namespace serried::message {

namespace button {  // jump and swim are legal, and nothing moves by them
inline constexpr std::uint8_t jump = 0x01;
inline constexpr std::uint8_t swim = 0x02;
inline constexpr std::uint8_t crouch = 0x04;
inline constexpr std::uint8_t run = 0x08;
inline constexpr std::uint8_t all = 0x0F;
}  // namespace button

/// SyncEntityQuantized := sequence u16 | client tick u32 | move x i8 | move y i8 | yaw i16 | buttons u8 |
///                        predicted position: section mod 4 u8, 3 * i16
/// SyncEntity is the same with the predicted position as 3 * f32. Unknown button bits are refused.
struct Input {
  std::uint16_t sequence = 0;
  std::uint32_t client_tick = 0;  ///< what the client shows; the server does not look at it
  /// Direction in the world, -127 to 127 (-128 is refused); the server clamps what is longer than 127.
  std::int8_t move_x = 0, move_y = 0;
  std::int16_t yaw = 0;
  std::uint8_t buttons = 0;
  /// Which of the two forms the position below came in. It must be legal; the server does not look at it.
  bool predicted_float = false;
  std::array<float, 3> predicted{};         ///< SyncEntity
  std::uint8_t predicted_section_mod4 = 0;  ///< SyncEntityQuantized
  std::array<std::int16_t, 3> predicted_quantised{};
};
inline constexpr std::size_t input_quantised_content_bytes = 2 + 4 + 1 + 1 + 2 + 1 + 1 + 6;
inline constexpr std::size_t input_float_content_bytes = 2 + 4 + 1 + 1 + 2 + 1 + 12;
/// Writes SyncEntity when predicted_float, else SyncEntityQuantized.
void encode(base::ByteWriter& out, const Input& message) noexcept;
[[nodiscard]] bool decode_sync_entity(std::span<const std::uint8_t> content, Input& message) noexcept;
[[nodiscard]] bool decode_sync_entity_quantized(std::span<const std::uint8_t> content, Input& message) noexcept;

}  // namespace serried::message
