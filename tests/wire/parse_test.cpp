#include "wire/parse.h"

#include <bit>

#include <gtest/gtest.h>

#include "wire/burst.h"

namespace serried::wire {
namespace {

using metrics::Drop;

constexpr std::size_t sealed_bytes_min = header_bytes + tag_bytes + crc_bytes;

Drop verdict_of(const Header& header, std::size_t bytes) {
  Burst burst;
  const unsigned row = burst.add(header, bytes);
  parse(burst.batch, burst.drops);
  const Drop verdict = burst.batch.verdict[row];
  EXPECT_EQ(burst.batch.live_rows, verdict == Drop::none ? 1u : 0u);
  EXPECT_EQ(burst.drops.total(metrics::DropUnit::datagram), verdict == Drop::none ? 0u : 1u);
  if (verdict != Drop::none) {
    EXPECT_EQ(burst.drops.value(verdict), 1u);
  }
  return verdict;
}

struct Case {
  const char* what;
  Header header;
  std::size_t bytes;
  Drop verdict;
};

constexpr Header sealed_with(std::uint8_t flags) {
  return {.connection_id = 5, .channel = 0, .flags = static_cast<std::uint8_t>(flag::sealed | flags), .sequence = 9};
}
constexpr Header raw_flags(std::uint8_t flags) {
  return {.connection_id = 5, .channel = 0, .flags = flags, .sequence = 9};
}

TEST(Parse, TableOfCraftedHeaders) {
  constexpr std::uint64_t sequence_end = std::uint64_t{1} << 63;
  const Case cases[] = {
      {"sealed, no body", sealed_header, sealed_bytes_min, Drop::none},
      {"sealed, one byte short of a tag", sealed_header, sealed_bytes_min - 1, Drop::short_datagram},
      {"clear, no body", clear_header, datagram_bytes_min, Drop::none},
      {"shorter than header and trailer", clear_header, datagram_bytes_min - 1, Drop::short_datagram},
      {"one byte", clear_header, 1, Drop::short_datagram},
      {"nothing", clear_header, 0, Drop::short_datagram},
      {"largest", sealed_header, datagram_bytes_max, Drop::none},
      {"too long", sealed_header, datagram_bytes_max + 1, Drop::long_datagram},
      {"Rekey", sealed_with(flag::rekey), 100, Drop::bad_flags},
      {"Encrypted without its AEAD", raw_flags(flag::encrypted), 100, Drop::bad_flags},
      {"AEAD without Encrypted", raw_flags(flag::chacha20_poly1305), 100, Drop::bad_flags},
      {"fragment", sealed_with(flag::fragment), 100, Drop::none},
      {"compressed", sealed_with(flag::compressed), 100, Drop::none},
      {"fragment and compressed", sealed_with(flag::fragment | flag::compressed), 100, Drop::bad_flags},
      {"fragment and reliable handshake", sealed_with(flag::fragment | flag::reliable_handshake), 100, Drop::bad_flags},
      {"compressed reliable handshake", sealed_with(flag::compressed | flag::reliable_handshake), 100, Drop::bad_flags},
      {"reliable handshake on channel 1", {5, 1, flag::sealed | flag::reliable_handshake, 9}, 100, Drop::bad_flags},
      {"everything else", sealed_with(flag::acknowledgment | flag::reliable_handshake | flag::key_phase), 100,
       Drop::none},
      {"clear with an ack block", {0, 0, flag::acknowledgment, 0}, 100, Drop::bad_flags},
      {"clear with a key phase", {0, 0, flag::key_phase, 0}, 100, Drop::bad_flags},
      {"clear with a sequence", {0, 0, 0, 1}, 100, Drop::bad_flags},
      {"clear with a connection", {1, 0, 0, 0}, 100, Drop::bad_flags},
      {"sealed without connection", {0, 0, flag::sealed, 1}, 100, Drop::bad_flags},
      {"sealed without sequence", {1, 0, flag::sealed, 0}, 100, Drop::bad_flags},
      {"last sequence", {1, 0, flag::sealed, sequence_end - 1}, 100, Drop::none},
      {"sequence beyond the last", {1, 0, flag::sealed, sequence_end}, 100, Drop::bad_flags},
      {"channel 2", {1, 2, flag::sealed, 1}, 100, Drop::none},
      {"channel 3", {1, 3, flag::sealed, 1}, 100, Drop::bad_channel},
      {"channel 255 in clear", {0, 255, 0, 0}, 100, Drop::bad_channel},
  };
  for (const Case& c : cases) EXPECT_EQ(verdict_of(c.header, c.bytes), c.verdict) << c.what;
}

TEST(Parse, EveryFlagByteFollowsTheRules) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const bool sealed = (flags & flag::sealed) == flag::sealed;
    const bool allowed = sealed && (flags & flag::rekey) == 0 &&
                         std::popcount(flags & (flag::fragment | flag::compressed | flag::reliable_handshake)) <= 1;
    EXPECT_EQ(verdict_of(raw_flags(static_cast<std::uint8_t>(flags)), 100), allowed ? Drop::none : Drop::bad_flags)
        << flags;
    const Header clear{0, 0, static_cast<std::uint8_t>(flags), 0};
    EXPECT_EQ(verdict_of(clear, 100), flags == 0 ? Drop::none : Drop::bad_flags) << flags;
  }
}

TEST(Parse, GivesBackWhatComposeWrote) {
  constexpr std::uint64_t seed = 14;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Prng random(seed);
  for (int round = 0; round < 50; ++round) {
    Burst burst;
    std::vector<Header> headers;
    for (unsigned i = 0; i < Batch::capacity; ++i) {
      headers.push_back({.connection_id = static_cast<std::uint32_t>(1 + random.below(0xFFFFFFFF)),
                         .channel = static_cast<std::uint8_t>(random.below(channel_count)),
                         .flags = flag::sealed,
                         .sequence = 1 + random.below((std::uint64_t{1} << 63) - 1)});
      const unsigned row = burst.add(sealed_bytes_min + random.below(100));
      burst.batch.connection_id[row] = headers[i].connection_id;
      burst.batch.channel[row] = headers[i].channel;
      burst.batch.flags[row] = headers[i].flags;
      burst.batch.sequence[row] = headers[i].sequence;
    }
    compose(burst.batch);
    for (unsigned row = 0; row < Batch::capacity; ++row) burst.batch.sequence[row] = burst.batch.connection_id[row] = 0;
    parse(burst.batch, burst.drops);
    ASSERT_EQ(burst.batch.live_rows, Batch::capacity);
    for (unsigned row = 0; row < Batch::capacity; ++row) {
      ASSERT_EQ(burst.batch.connection_id[row], headers[row].connection_id);
      ASSERT_EQ(burst.batch.channel[row], headers[row].channel);
      ASSERT_EQ(burst.batch.flags[row], headers[row].flags);
      ASSERT_EQ(burst.batch.sequence[row], headers[row].sequence);
    }
  }
}

TEST(Parse, KeepsTheOrderOfWhatStaysAndLooksOnlyAtLiveRows) {
  Burst burst;
  const unsigned a = burst.add(sealed_header, 100), b = burst.add(sealed_header, 3), c = burst.add(sealed_header, 100),
                 d = burst.add(sealed_header, 3);
  burst.batch.live_rows = 3;  // d left the burst earlier
  parse(burst.batch, burst.drops);
  ASSERT_EQ(burst.batch.live_rows, 2u);
  EXPECT_EQ(burst.batch.live[0], a);
  EXPECT_EQ(burst.batch.live[1], c);
  EXPECT_EQ(burst.batch.verdict[b], Drop::short_datagram);
  EXPECT_EQ(burst.batch.verdict[d], Drop::none);
  EXPECT_EQ(burst.drops.value(Drop::short_datagram), 1u);
}

}  // namespace
}  // namespace serried::wire
