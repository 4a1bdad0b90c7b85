#pragma once
/// Random values with a seed that is printed, and that SERRIED_SEED sets to run the same again.

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "message/type.h"
#include "support/random.h"

namespace serried::message {

class Random {
 public:
  Random() : prng_(test::chosen_seed()) {}

  template <class T>
  T of() {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>((prng_.unit() - 0.5) * 1e6);
    else
      return static_cast<T>(prng_.next());
  }
  /// In [low, high), floating point.
  float between(double low, double high) { return static_cast<float>(low + prng_.unit() * (high - low)); }
  std::uint64_t below(std::uint64_t bound) { return prng_.below(bound); }
  bool coin() { return (prng_.next() & 1) != 0; }
  template <class Container>
  void fill(Container& values) {
    for (auto& value : values) value = of<std::remove_reference_t<decltype(value)>>();
  }

 private:
  base::Prng prng_;
};

/// The bytes of one encoded message, framing included.
template <class Encode>
std::vector<std::uint8_t> encoded(Encode&& encode) {
  std::vector<std::uint8_t> bytes(1200);
  base::ByteWriter out(bytes);
  encode(out);
  bytes.resize(out.ok() ? out.size() : 0);
  return bytes;
}
template <class Message>
std::vector<std::uint8_t> encoded_message(const Message& message) {
  return encoded([&](base::ByteWriter& out) { encode(out, message); });
}

/// The only message of `bytes`; a type that no message has when the framing is broken or not all of it.
inline Framed only_message(std::span<const std::uint8_t> bytes) {
  base::ByteReader body(bytes);
  Framed framed;
  if (!next(body, framed) || !body.complete()) framed.type = static_cast<Type>(0x3F);
  return framed;
}

/// How many of the lengths below that of `content`, and the one above it, `decode` accepts: has to be none for content
/// of fixed size. Every length is a heap block of its own, so that an address sanitizer sees a read past its end.
template <class Decode>
int wrong_lengths_accepted(std::span<const std::uint8_t> content, Decode&& decode) {
  int accepted = 0;
  for (std::size_t length = 0; length <= content.size() + 1; ++length) {
    if (length == content.size()) continue;
    std::vector<std::uint8_t> cut(length, 0);
    if (length != 0) std::memcpy(cut.data(), content.data(), std::min(length, content.size()));
    accepted += decode(std::span<const std::uint8_t>(cut)) ? 1 : 0;
  }
  return accepted;
}

/// Whether the encoder writes nothing and fails into every room that is too small.
template <class Encode>
bool needs_its_room(std::size_t bytes_needed, Encode&& encode) {
  for (std::size_t room = 0; room < bytes_needed; ++room) {
    std::vector<std::uint8_t> bytes(room);
    base::ByteWriter out(bytes);
    encode(out);
    if (out.ok() || out.size() != 0) return false;
  }
  return true;
}

/// Round trips of each test.
inline constexpr int rounds = 200;

/// A decoder of `Message` as a callable.
template <class Message>
bool decodes(std::span<const std::uint8_t> content) {
  Message message;
  return decode(content, message);
}

/// Content of one encoded message, framing taken off.
template <class Message>
std::vector<std::uint8_t> content_of(const Message& message) {
  const auto bytes = encoded_message(message);
  const auto content = only_message(bytes).content;
  return {content.begin(), content.end()};
}

}  // namespace serried::message
