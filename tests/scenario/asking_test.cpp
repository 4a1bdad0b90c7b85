/// Clients that ask for as much as the protocol lets them, and lose nothing on the way: each question is answered once
/// and in order, and no session ends.
#include "message/game.h"
#include "scenario/engine.h"

namespace serried::scenario {
namespace {

EngineConfig alone() {
  EngineConfig config;
  config.players = 1;
  config.npcs = 0;
  return config;
}

/// One bot that sends commands, and counts the answers.
class Asking : public Engine {
 public:
  Asking() : Engine(alone()), bot(add_bot(1)) {
    bot.options.on_message = {&Asking::hear, this};
    log_in(bot);
    for (int i = 0; i < 5'000 && !(bot.session.connected() && bot.session.messages_open()); ++i) step();
    EXPECT_TRUE(bot.session.messages_open());
  }
  /// False: there is no room for it now.
  bool ask() {
    std::array<std::uint8_t, 64> bytes;
    base::ByteWriter out{bytes};
    message::InputCommand command;
    command.player = bot.player_id;
    command.sequence = asked + 1;
    command.command.name = "describe";
    message::InputCommandWriter writer{out, command};
    if (bot.session.send_message(wire::Channel::reliable_ordered, message::Type::input_command, writer.end(),
                                 channel::Urgency::immediate, now) != channel::Queued::yes)
      return false;
    ++asked;
    return true;
  }
  void expect_all_answered() {
    run(4 * second);
    EXPECT_EQ(bot.session.state(), peer::State::playing) << bot.session.end_text();
    EXPECT_EQ(answered, asked);
  }

  std::uint32_t asked = 0, answered = 0;
  Bot& bot;

 private:
  static void hear(void* self, wire::Channel, message::Type type, std::span<const std::uint8_t> content) {
    auto& asking = *static_cast<Asking*>(self);
    if (type != message::Type::state_update) return;
    message::StateUpdate update;
    ASSERT_TRUE(decode(content, update));
    EXPECT_EQ(update.sequence, ++asking.answered) << "once, and in order";
  }
};

TEST(ScenarioAsking, AQueueFullOfCommandsAtOnceIsAnswered) {
  Asking engine;
  while (engine.ask()) {
  }
  EXPECT_EQ(engine.asked, channel::Reliable::unacked_messages_max);
  engine.expect_all_answered();
}

TEST(ScenarioAsking, TwoHundredCommandsASecondAtThreeHundredMillisecondsAreAnswered) {
  Asking engine;
  engine.set_profiles({.delay_min = 150 * millisecond, .delay_max = 150 * millisecond},
                      {.delay_min = 150 * millisecond, .delay_max = 150 * millisecond});
  for (int i = 0; i < 20'000 && engine.bot.session.connected(); ++i) {
    if (i % 5 == 0) static_cast<void>(engine.ask());
    engine.step();
  }
  EXPECT_GT(engine.asked, 1'500U) << "what finds no room is not asked";
  engine.expect_all_answered();
}

}  // namespace
}  // namespace serried::scenario
