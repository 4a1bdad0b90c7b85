#include "channel/split.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::channel {
namespace {

using wire::Channel;
using Bytes = std::vector<std::uint8_t>;

struct SentFragment {
  std::uint16_t id = 0;
  FragmentHeader header;
  Bytes bytes;
};

std::vector<SentFragment> compose_all(Split& split, BlockPool& pool) {
  std::vector<SentFragment> all;
  while (split.active() && split.waiting()) {
    std::array<std::uint8_t, wire::body_bytes_max> body{};
    base::ByteWriter out{body};
    SentFragment sent;
    if (!split.compose(pool, out, sent.id)) break;
    base::ByteReader in{out.written()};
    if (split.channel() != Channel::unreliable) {
      EXPECT_EQ(in.read<std::uint16_t>(), sent.id);
    }
    sent.header = read_fragment_header(in);
    const auto bytes = in.read_rest();
    sent.bytes.assign(bytes.begin(), bytes.end());
    all.push_back(std::move(sent));
  }
  return all;
}

Bytes seeded_noise(std::size_t bytes) {
  base::Prng random{bytes};
  Bytes out(bytes);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

TEST(Split, FragmentsHaveConsecutiveIdsInTheOrderOfTheirOffsets) {
  BlockPool pool{1, 1};
  for (const std::size_t bytes : {1'143UL, 2UL * fragment_bytes_max, 2UL * fragment_bytes_max + 1, 40'000UL,
                                  static_cast<unsigned long>(message_bytes_max)}) {
    SCOPED_TRACE(bytes);
    const Bytes message = seeded_noise(bytes);
    Split split;
    split.begin({message.data()}, static_cast<std::uint32_t>(bytes), Channel::reliable_ordered, 0xFFF0);
    EXPECT_EQ(split.unacked_bytes(), bytes);
    const auto sent = compose_all(split, pool);
    ASSERT_EQ(sent.size(), Split::fragments_for(bytes));
    Bytes joined;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(sent[i].id, static_cast<std::uint16_t>(0xFFF0 + i));
      EXPECT_EQ(sent[i].header.offset_units * 8U, joined.size());
      EXPECT_EQ(sent[i].header.fragment_id, sent[0].header.fragment_id);
      EXPECT_TRUE(is_fragment(sent[i].header, sent[i].bytes.size()));
      if (i + 1 < sent.size()) {
        EXPECT_EQ(sent[i].bytes.size(), fragment_bytes_max);
      }
      joined.insert(joined.end(), sent[i].bytes.begin(), sent[i].bytes.end());
    }
    EXPECT_EQ(joined, message);
  }
}

TEST(Split, SendsOnlyTheLostOnesAgain) {
  BlockPool pool{1, 1};
  const std::uint32_t bytes = 150'000;
  Split split;
  const auto block = pool.acquire(bytes);
  split.begin({nullptr, block}, bytes, Channel::reliable_unordered, 7);
  const auto sent = compose_all(split, pool);
  EXPECT_FALSE(split.waiting());
  for (const SentFragment& s : sent) split.on_outcome(pool, s.id, s.id % 3 != 0);
  EXPECT_EQ(split.oldest_id(), 9U);
  EXPECT_TRUE(split.waiting());
  const auto again = compose_all(split, pool);
  ASSERT_FALSE(again.empty());
  for (const SentFragment& s : again) EXPECT_EQ(s.id % 3, 0);
  std::uint32_t left = 0;
  for (const SentFragment& s : again) left += static_cast<std::uint32_t>(s.bytes.size());
  EXPECT_EQ(split.unacked_bytes(), left);
  for (const SentFragment& s : again) {
    EXPECT_EQ(split.oldest_id(), s.id);
    EXPECT_NE(pool.in_use_bytes(), 0U);
    split.on_outcome(pool, s.id, true);
  }
  EXPECT_FALSE(split.active());
  EXPECT_EQ(pool.in_use_bytes(), 0U);
}

TEST(Split, ASecondReportOnAFragmentIsIgnored) {
  BlockPool pool{1, 0};
  Split split;
  split.begin({nullptr, pool.acquire(3'000)}, 3'000, Channel::reliable_ordered, 0);
  static_cast<void>(compose_all(split, pool));
  split.on_outcome(pool, 0, true);
  split.on_outcome(pool, 0, true);
  split.on_outcome(pool, 0, false);
  EXPECT_FALSE(split.waiting());
  EXPECT_EQ(split.unacked_bytes(), 3'000 - fragment_bytes_max);
  split.end(pool);
  EXPECT_EQ(pool.in_use_bytes(), 0U);
}

TEST(Split, WritesNothingWhereAFragmentDoesNotFit) {
  BlockPool pool{0, 0};
  const Bytes message = seeded_noise(5'000);
  for (const auto channel : {Channel::unreliable, Channel::reliable_ordered}) {
    Split split;
    split.begin({message.data()}, 5'000, channel, 0);
    const std::size_t needed = (channel == Channel::unreliable ? 0 : 2) + fragment_header_bytes + fragment_bytes_max;
    Bytes body(needed);
    base::ByteWriter narrow{std::span{body}.first(needed - 1)}, wide{body};
    std::uint16_t id = 0;
    EXPECT_FALSE(split.compose(pool, narrow, id));
    EXPECT_EQ(narrow.size(), 0U);
    EXPECT_TRUE(split.compose(pool, wide, id));
    EXPECT_EQ(wide.size(), needed);
  }
}

TEST(Split, FragmentIdDiffersFromThatOfTheMessageBefore) {
  BlockPool pool{0, 0};
  const Bytes message = seeded_noise(2'000);
  Split split;
  std::uint16_t before = 0;
  for (unsigned i = 0; i < 5; ++i) {
    split.begin({message.data()}, 2'000, Channel::reliable_ordered, 0);
    const auto sent = compose_all(split, pool);
    if (i != 0) {
      EXPECT_NE(sent[0].header.fragment_id, before);
    }
    before = sent[0].header.fragment_id;
    split.end(pool);
  }
}

}  // namespace
}  // namespace serried::channel
