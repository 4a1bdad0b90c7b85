#pragma once
/// A session's reliable channels for tests of what comes in: datagrams by hand, and a sink behind them.

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "channel/reliable.h"
#include "sink.h"

namespace serried::channel {

using Bytes = std::vector<std::uint8_t>;

inline constexpr auto unreliable = wire::Channel::unreliable;
inline constexpr auto ordered = wire::Channel::reliable_ordered;
inline constexpr auto unordered = wire::Channel::reliable_unordered;

/// Message k of the tests: `bytes` of k, behind the type.
inline Bytes message(std::uint8_t k, std::size_t bytes = 3) {
  Bytes out(bytes + 1, k);
  out[0] = 0xD0;
  return out;
}

inline Bytes body(std::uint16_t first_id, const std::vector<Bytes>& messages) {
  Bytes out{static_cast<std::uint8_t>(first_id), static_cast<std::uint8_t>(first_id >> 8)};
  for (const Bytes& m : messages) {
    std::uint8_t length[10];
    base::ByteWriter writer{length};
    writer.write_varint(m.size());
    out.insert(out.end(), writer.written().begin(), writer.written().end());
    out.insert(out.end(), m.begin(), m.end());
  }
  return out;
}

class Inbox : public testing::Test {
 protected:
  void SetUp() override { reliable.open(message_bytes_max); }
  void TearDown() override {
    reliable.clear(pools);
    EXPECT_EQ(pools.chunk.in_use(), 0U);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  }

  Accepted accept(wire::Channel channel, const Bytes& bytes) {
    return reliable.accept(pools, channel, base::ByteReader{bytes}, sink.receiver(), now);
  }
  Accepted accept(wire::Channel channel, std::uint16_t first_id, const std::vector<Bytes>& messages) {
    return accept(channel, body(first_id, messages));
  }
  /// Bytes from `offset` on of a message of `total` bytes whose byte i is i % 251.
  Accepted fragment(wire::Channel channel, std::uint16_t id, std::uint16_t fragment_id, std::size_t offset,
                    std::size_t bytes, std::uint32_t total, std::uint32_t bytes_max = message_bytes_max) {
    Bytes datagram(2 + fragment_header_bytes + bytes);
    base::ByteWriter out{datagram};
    if (channel != unreliable) out.write(id);
    write_fragment_header(out, {fragment_id, static_cast<std::uint16_t>(offset / 8), total});
    for (std::size_t i = offset; i < offset + bytes; ++i) out.write(static_cast<std::uint8_t>(i % 251));
    return reliable.accept_fragment(pools, channel, base::ByteReader{out.written()}, bytes_max, sink.receiver(), now);
  }
  bool hand_over() { return reliable.hand_over(pools, sink.receiver(), now); }
  /// What came so far, by the first byte of content; 'F' for one in fragments that is whole and right.
  Bytes came() {
    Bytes out;
    for (const auto& m : sink.messages) {
      bool right = m.joined;
      for (std::size_t i = 0; right && i < m.bytes.size(); ++i) right = m.bytes[i] == i % 251;
      out.push_back(right ? 'F' : m.bytes.at(1));
    }
    return out;
  }
  void refuse() {
    sink.refuses = [] { return true; };
  }
  void take() {
    sink.refuses = [] { return false; };
  }

  Pools pools{400, 3, 2};
  Reliable reliable;
  Sink sink{pools};
  Nanos now = second;
};

}  // namespace serried::channel
