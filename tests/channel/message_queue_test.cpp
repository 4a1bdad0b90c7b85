#include "channel/message_queue.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::channel {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::map<std::uint16_t, Bytes> contents(ChunkPool& pool, const MessageQueue& queue, std::vector<std::uint16_t>& order) {
  std::map<std::uint16_t, Bytes> out;
  order.clear();
  for (auto at = queue.first(); at != MessageQueue::none; at = MessageQueue::record(pool, at).next) {
    const Chain chain = MessageQueue::chain(pool, at);
    Bytes bytes(chain.bytes);
    pool.copy(chain, bytes);
    order.push_back(MessageQueue::record(pool, at).id);
    out[order.back()] = bytes;
  }
  return out;
}

TEST(MessageQueue, KeepsTheOrderOfIdsAcrossTheirWrap) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    ChunkPool pool{100};
    MessageQueue queue;
    const auto base = static_cast<std::uint16_t>(0x10000 - random.below(200));
    std::map<std::uint16_t, Bytes> model;  // by distance from `base`
    for (unsigned step = 0; step < 500; ++step) {
      const auto distance = static_cast<std::uint16_t>(random.below(400));
      if (random.chance(0.6) && model.count(distance) == 0) {
        Bytes message(1 + random.below(600), static_cast<std::uint8_t>(step));
        message[0] = 0xD1;
        const bool fits = ChunkPool::chunks_for(message.size()) <= pool.capacity() - pool.in_use();
        ASSERT_EQ(queue.insert(pool, static_cast<std::uint16_t>(base + distance), message::Type{0xD1},
                               std::span{message}.subspan(1), step),
                  fits);
        if (fits) model[distance] = std::move(message);
      } else if (!model.empty()) {
        auto gone = random.below(model.size());
        auto before = MessageQueue::none, at = queue.first();
        auto twin = model.begin();
        for (; gone != 0; --gone, ++twin) {
          before = at;
          at = MessageQueue::record(pool, at).next;
        }
        const auto next = MessageQueue::record(pool, at).next;
        ASSERT_EQ(queue.remove(pool, before, at), next);
        model.erase(twin);
      }
      std::vector<std::uint16_t> order;
      const auto held = contents(pool, queue, order);
      ASSERT_EQ(order.size(), model.size());
      ASSERT_EQ(queue.messages(), model.size());
      std::size_t i = 0, bytes = 0;
      for (const auto& [from_base, message] : model) {
        ASSERT_EQ(order[i++], static_cast<std::uint16_t>(base + from_base));
        ASSERT_EQ(held.at(static_cast<std::uint16_t>(base + from_base)), message);
        bytes += message.size();
      }
      ASSERT_EQ(queue.bytes(), bytes);
      ASSERT_EQ(queue.chunks(), pool.in_use());
    }
    queue.clear(pool);
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(queue.first(), MessageQueue::none);
  }
}

}  // namespace
}  // namespace serried::channel
