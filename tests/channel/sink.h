#pragma once
/// A receiver for tests: keeps what it is given, and refuses when told to.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "channel/reliable.h"

namespace serried::channel {

struct Sink {
  struct Message {
    wire::Channel channel;
    std::vector<std::uint8_t> bytes;  ///< type and content
    bool joined;                      ///< came in fragments
  };

  explicit Sink(Pools& of) : pools(&of) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  [[nodiscard]] Receiver receiver() {
    return {[](void* self, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
              auto& sink = *static_cast<Sink*>(self);
              if (sink.refuses()) return false;
              Message message{channel, {static_cast<std::uint8_t>(type)}, false};
              message.bytes.insert(message.bytes.end(), content.begin(), content.end());
              sink.messages.push_back(std::move(message));
              return true;
            },
            [](void* self, wire::Channel channel, std::uint16_t block, std::uint32_t bytes) {
              auto& sink = *static_cast<Sink*>(self);
              if (sink.refuses()) return false;
              const auto message = sink.pools->block.bytes(block).first(bytes);
              sink.messages.push_back({channel, {message.begin(), message.end()}, true});
              sink.pools->block.release(block);
              return true;
            },
            this,
            [](void* self, message::Type type) {
              auto& sink = *static_cast<Sink*>(self);
              ++sink.asked;
              return sink.leaves_out(type);
            },
            [](void* self, message::Type) { ++static_cast<Sink*>(self)->taken; }};
  }

  Pools* pools;
  std::vector<Message> messages;
  std::function<bool()> refuses = [] { return false; };
  std::function<bool(message::Type)> leaves_out = [](message::Type) { return false; };
  unsigned asked = 0;  ///< whether it leaves something out
  unsigned taken = 0;  ///< messages that came whole and are received
};

}  // namespace serried::channel
