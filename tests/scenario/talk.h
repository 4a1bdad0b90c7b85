#pragma once
/// What the bots of a story say to one another and to the server, and what they hold the answers against: commands are
/// answered exactly once and in order, lines of chat are heard at most once and in the order in which they were spoken.

#include <charconv>
#include <deque>
#include <map>
#include <string>

#include "message/game.h"
#include "scenario/engine.h"
#include "simd/crc32c.h"

namespace serried::scenario {

struct TalkConfig {
  Nanos chat_every = 800 * millisecond, command_every = 400 * millisecond;
  double long_chance = 0.1;  ///< of a command in fragments
  std::uint32_t long_bytes_max = 40'000;
  unsigned outstanding_max = 10;
};

/// One bot's mouth and ear. Its address is given to the session: it stays where it is.
class Talker {
 public:
  Talker(Engine& engine, Bot& bot, const TalkConfig& config) : engine_(engine), bot_(bot), config_(config) {
    bot.options.on_message = {&Talker::hear, this};
    rng_ = base::Prng{base::mix(engine.config.seed, bot.player_id + 1'000'000)};
    next_chat_ = next_command_ = engine.now;
  }
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;

  /// Say what is due. `quiet`: nothing new.
  void speak(bool quiet) {
    if (quiet || bot_.silent || !bot_.session.connected() || !bot_.session.messages_open()) return;
    if (engine_.now >= next_chat_) {
      next_chat_ = engine_.now + config_.chat_every / 2 + rng_.below(config_.chat_every);
      chat();
    }
    if (engine_.now >= next_command_ && waiting() < config_.outstanding_max) {
      next_command_ = engine_.now + config_.command_every / 2 + rng_.below(config_.command_every);
      command();
    }
  }
  /// The session is another one: what the old one asked may never be answered.
  void forget() {
    for (auto& asked : asked_) asked.clear();
    forgotten_through_ = sequence_;
  }
  [[nodiscard]] std::size_t waiting() const { return asked_[0].size() + asked_[1].size(); }

  std::uint64_t spoken = 0, heard = 0, commands = 0, answers = 0, long_commands = 0;

 private:
  struct Asked {
    std::uint32_t sequence = 0, crc = 0, bytes = 0;
  };

  void chat() {
    const std::string text = std::to_string(bot_.player_id) + ":" + std::to_string(++spoken);
    std::array<std::uint8_t, 64> bytes;
    base::ByteWriter out{bytes};
    out.write(static_cast<std::uint8_t>(message::ChatScope::everybody));
    out.write(std::uint64_t{0});
    out.write_bytes(base::as_bytes(text));
    static_cast<void>(bot_.session.send_message(wire::Channel::reliable_ordered, message::Type::chat, out.written(),
                                                channel::Urgency::bundled, engine_.now));
  }

  void command() {
    const bool is_long = rng_.chance(config_.long_chance);
    const auto size =
        static_cast<std::uint32_t>(is_long ? 1'300 + rng_.below(config_.long_bytes_max - 1'300) : rng_.below(300));
    std::vector<std::uint8_t> value(size);
    // Now and then something that packs.
    const bool plain = rng_.chance(0.3);
    for (auto& byte : value) byte = plain ? std::uint8_t{7} : static_cast<std::uint8_t>(rng_.next());
    std::vector<std::uint8_t> content(size + 64);
    base::ByteWriter out{content};
    message::InputCommand head;
    head.player = bot_.player_id;
    head.sequence = sequence_ + 1;
    head.command.name = "checksum";
    message::InputCommandWriter writer{out, head};
    out.write_bytes(value);
    const auto channel = rng_.chance(0.7) ? wire::Channel::reliable_ordered : wire::Channel::reliable_unordered;
    const auto urgency = rng_.chance(0.3) ? channel::Urgency::immediate : channel::Urgency::bundled;
    if (bot_.session.send_message(channel, message::Type::input_command, writer.end(), urgency, engine_.now) !=
        channel::Queued::yes)
      return;
    ++sequence_;
    ++commands;
    long_commands += is_long ? 1 : 0;
    asked_[channel == wire::Channel::reliable_ordered ? 0 : 1].push_back({sequence_, simd::crc32c(value), size});
  }

  static void hear(void* self, wire::Channel, message::Type type, std::span<const std::uint8_t> content) {
    auto& talker = *static_cast<Talker*>(self);
    if (type == message::Type::chat) talker.on_chat(content);
    if (type == message::Type::state_update) talker.on_answer(content);
  }

  void on_chat(std::span<const std::uint8_t> content) {
    message::Chat chat;
    ASSERT_TRUE(decode(content, chat));
    const char* const text = reinterpret_cast<const char*>(chat.text.data());
    const char* const end = text + chat.text.size();
    std::uint64_t speaker = 0, number = 0;
    const auto [colon, fault] = std::from_chars(text, end, speaker);
    ASSERT_TRUE(fault == std::errc{} && colon != end && *colon == ':');
    ASSERT_EQ(std::from_chars(colon + 1, end, number).ptr, end);
    EXPECT_EQ(chat.sender, world::player_entity(speaker));
    std::uint64_t& last = last_heard_[speaker];
    EXPECT_GT(number, last) << "player " << bot_.player_id << " heard player " << speaker << " twice or out of order";
    last = number;
    ++heard;
  }

  void on_answer(std::span<const std::uint8_t> content) {
    message::StateUpdate update;
    ASSERT_TRUE(decode(content, update));
    ASSERT_GT(update.sequence, forgotten_through_) << "an answer for a session that is over";
    Asked asked;
    bool found = false;
    for (unsigned channel = 0; channel < 2; ++channel) {
      auto& queue = asked_[channel];
      const auto at =
          std::find_if(queue.begin(), queue.end(), [&](const Asked& one) { return one.sequence == update.sequence; });
      if (at == queue.end()) continue;
      if (channel == 0) {
        EXPECT_EQ(at, queue.begin()) << "answered out of order";
      }
      asked = *at;
      queue.erase(at);
      found = true;
    }
    ASSERT_TRUE(found) << "command " << update.sequence << " was answered twice, or never asked";
    std::map<std::string, std::uint32_t> values;
    message::ComponentReader reader{update};
    for (message::Component part; reader.next(part);)
      if (part.bytes.size() == 4)
        values[std::string(bot_.session.resolve(part.name))] = base::load<std::uint32_t>(part.bytes.data());
    EXPECT_EQ(values["crc32c"], asked.crc);
    EXPECT_EQ(values["size"], asked.bytes);
    ++answers;
  }

  Engine& engine_;
  Bot& bot_;
  TalkConfig config_;
  base::Prng rng_{0};
  Nanos next_chat_ = 0, next_command_ = 0;
  std::uint32_t sequence_ = 0, forgotten_through_ = 0;
  std::array<std::deque<Asked>, 2> asked_;  ///< on the ordered, the unordered channel
  std::map<std::uint64_t, std::uint64_t> last_heard_;
};

}  // namespace serried::scenario
