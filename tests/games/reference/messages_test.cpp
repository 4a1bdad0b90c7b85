#include "games/reference/messages.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "simd/crc32c.h"
#include "world/entity.h"

namespace serried::games::reference {
namespace {

using game::Handled;
using message::ActionOutcome;
using message::ChatScope;

using Bytes = std::vector<std::uint8_t>;

template <class Message>
Bytes type_first(const Message& message) {
  Bytes framed(message::message_bytes_max + 16);
  base::ByteWriter out{framed};
  encode(out, message);
  EXPECT_TRUE(out.ok());
  base::ByteReader in{out.written()};
  in.read_varint();
  const auto rest = in.read_rest();
  return {rest.begin(), rest.end()};
}

/// A session as its client sees it.
struct Client {
  game::Sender sender{.player_id = 7, .position = {1, 2, 3}, .health = 900, .input = 55, .player = 0};
  Emote emote{};
  SymbolState symbols{};
  bool broadcasts = false;
  game::Broadcast broadcast;
  std::vector<std::pair<message::Type, Bytes>> answers;
  message::SymbolPool names;

  Handled send(const Bytes& bytes) {
    emote = {};
    answers.clear();
    const world::Config world;
    const game::Message message{sender, bytes};
    game::Outcome outcome;
    handle_messages({.world = world,
                     .now = 1'234,
                     .players = {reinterpret_cast<std::byte*>(&emote), sizeof emote},
                     .sessions = {reinterpret_cast<std::byte*>(&symbols), sizeof symbols},
                     .messages = {&message, 1},
                     .outcomes = &outcome});
    EXPECT_TRUE(outcome.answers.ok());
    base::ByteReader in{outcome.answers.written()};
    for (message::Framed answer; message::next(in, answer);)
      answers.emplace_back(answer.type, Bytes(answer.content.begin(), answer.content.end()));
    EXPECT_TRUE(in.ok());
    EXPECT_LE(answers.size(), game::answers_max);
    broadcasts = outcome.broadcasts;
    broadcast = outcome.broadcast;
    return outcome.handled;
  }
  template <class Message>
  Handled say(const Message& message) {
    return send(type_first(message));
  }
  Handled command(const message::SymbolRef& name, std::span<const std::uint8_t> bytes = {}) {
    return say(message::InputCommand{.player = 7, .timestamp_ns = 5, .sequence = 99, .command = name, .bytes = bytes});
  }
  /// The components of the one StateUpdate among the answers, by name; Symbols before it are learnt.
  std::map<std::string, Bytes> update() {
    std::map<std::string, Bytes> components;
    for (const auto& [type, content] : answers) {
      if (type == message::Type::symbol) {
        message::Symbol symbol;
        EXPECT_TRUE(decode(content, symbol));
        EXPECT_EQ(names.bind(symbol), message::Bound::fresh);
        continue;
      }
      message::StateUpdate state;
      EXPECT_EQ(type, message::Type::state_update);
      EXPECT_TRUE(decode(content, state));
      EXPECT_EQ(state.entity, world::player_entity(7));
      EXPECT_EQ(state.sequence, 99U);
      EXPECT_EQ(state.timestamp_ns, 1'234U);
      message::ComponentReader reader(state);
      for (message::Component component; reader.next(component);)
        components[std::string(names.resolve(component.name))].assign(component.bytes.begin(), component.bytes.end());
      EXPECT_EQ(components.size(), state.count);
    }
    return components;
  }
};

template <class T>
T value(const Bytes& bytes, std::size_t at = 0) {
  EXPECT_GE(bytes.size(), at + sizeof(T));
  return base::load<T>(bytes.data() + at);
}

TEST(GameMessage, ALineOfChatIsAnnouncedUnchangedWithItsSender) {
  const std::string text = "gr\xC3\xBC\xC3\x9F dich";
  for (const ChatScope scope : {ChatScope::near, ChatScope::everybody}) {
    Client client;
    ASSERT_EQ(client.say(message::Chat{scope, 0, base::as_bytes(text)}), Handled::yes);
    ASSERT_TRUE(client.broadcasts);
    EXPECT_TRUE(client.answers.empty());
    const auto bytes = client.broadcast.content();
    EXPECT_EQ(bytes[0], static_cast<std::uint8_t>(message::Type::chat));
    message::Chat heard;
    ASSERT_TRUE(decode(bytes.subspan(1), heard));
    EXPECT_EQ(heard.scope, scope);
    EXPECT_EQ(heard.sender, world::player_entity(7));
    EXPECT_EQ(base::as_text(heard.text), text);
    EXPECT_EQ(client.broadcast.position, client.sender.position);
    EXPECT_EQ(client.broadcast.radius_units, scope == ChatScope::near ? 5'000.0F : game::Broadcast::everywhere);
  }
}

TEST(GameMessage, TheLongestLineFits) {
  Client client;
  const Bytes text(message::chat_text_bytes_max, 'x');
  ASSERT_EQ(client.say(message::Chat{ChatScope::near, 0, text}), Handled::yes);
  EXPECT_EQ(client.broadcast.bytes, 1 + 1 + 8 + 256);
}

TEST(GameMessage, ChatUnderAnotherSenderOrTheServerIsRefused) {
  Client client;
  EXPECT_EQ(client.say(message::Chat{ChatScope::near, 8, base::as_bytes("x")}), Handled::malformed);
  EXPECT_EQ(client.say(message::Chat{ChatScope::server, 0, base::as_bytes("x")}), Handled::malformed);
  EXPECT_EQ(client.send({static_cast<std::uint8_t>(message::Type::chat), 0}), Handled::malformed);
  EXPECT_FALSE(client.broadcasts);
}

TEST(GameMessage, AnActionIsAnsweredWithItsRequest) {
  Client client;
  const auto outcome = [&](std::uint16_t action, std::uint64_t target) {
    EXPECT_EQ(client.say(message::Action{4'711, action, target}), Handled::yes);
    message::ActionResult result;
    EXPECT_EQ(client.answers.size(), 1U);
    EXPECT_TRUE(decode(client.answers.at(0).second, result));
    EXPECT_EQ(result.request, 4'711U);
    return result.result;
  };
  EXPECT_EQ(outcome(action_emote, 31), ActionOutcome::done);
  EXPECT_EQ(client.emote.anim, 31);
  EXPECT_EQ(client.emote.ticks, 120);
  for (const std::uint64_t bad : {0U, 32U, 255U, 256U}) {
    EXPECT_EQ(outcome(action_emote, bad), ActionOutcome::refused);
    EXPECT_EQ(client.emote.anim, 0);
  }
  EXPECT_EQ(outcome(2, 1), ActionOutcome::unknown_action);
  EXPECT_EQ(client.send({static_cast<std::uint8_t>(message::Type::action), 1, 2}), Handled::malformed);
}

TEST(GameMessage, DescribeAnswersThePlayersPositionAndState) {
  Client client;
  ASSERT_EQ(client.command({0, "describe"}), Handled::yes);
  ASSERT_EQ(client.answers.size(), 4U);
  auto parts = client.update();
  ASSERT_EQ(parts.size(), 3U);
  for (unsigned axis = 0; axis < 3; ++axis)
    EXPECT_EQ(value<float>(parts["position"], axis * 4), client.sender.position[axis]);
  EXPECT_EQ(value<float>(parts["health"]), 900.0F);
  EXPECT_EQ(value<std::uint32_t>(parts["inputs"]), 55U);
  ASSERT_EQ(client.command({0, "describe"}), Handled::yes);
  EXPECT_EQ(client.answers.size(), 1U) << "names are bound once";
  EXPECT_EQ(client.update().size(), 3U);
}

TEST(GameMessage, ChecksumOfTheLongestCommand) {
  Client client;
  Bytes long_one(message::message_bytes_max - 64);
  for (std::size_t i = 0; i < long_one.size(); ++i) long_one[i] = static_cast<std::uint8_t>(i * 7 >> 3);
  for (const Bytes& bytes : {Bytes{}, long_one}) {
    ASSERT_EQ(client.command({0, "checksum"}, bytes), Handled::yes);
    auto parts = client.update();
    EXPECT_EQ(value<std::uint32_t>(parts["crc32c"]), simd::crc32c(bytes));
    EXPECT_EQ(value<std::uint32_t>(parts["size"]), bytes.size());
  }
}

TEST(GameMessage, ChecksumIsCrc32cByItsCheckValue) {
  Client client;
  ASSERT_EQ(client.command({0, "checksum"}, base::as_bytes("123456789")), Handled::yes);
  EXPECT_EQ(value<std::uint32_t>(client.update()["crc32c"]), 0xE3069283U);
}

TEST(GameMessage, AnUnknownCommandIsAnsweredWithAnError) {
  Client client;
  ASSERT_EQ(client.command({0, "dance"}), Handled::yes);
  auto parts = client.update();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_FALSE(parts["error"].empty());
}

TEST(GameMessage, ACommandMayBeNamedByASymbolThatIsBound) {
  Client client;
  EXPECT_EQ(client.command({300, {}}), Handled::malformed) << "not bound";
  ASSERT_EQ(client.say(message::Symbol{300, "checksum"}), Handled::yes);
  ASSERT_EQ(client.command({300, {}}), Handled::yes);
  EXPECT_TRUE(client.update().contains("crc32c"));
  EXPECT_EQ(client.say(message::Symbol{300, "checksum"}), Handled::yes) << "the same again";
  EXPECT_EQ(client.say(message::Symbol{300, "describe"}), Handled::malformed);
  for (std::uint16_t id = 1; id < 64; ++id)
    ASSERT_EQ(client.say(message::Symbol{id, "word " + std::to_string(id)}), Handled::yes);
  EXPECT_EQ(client.say(message::Symbol{400, "one too many"}), Handled::unexpected);
}

TEST(GameMessage, ACommandForAnotherPlayerIsDropped) {
  Client client;
  EXPECT_EQ(client.say(message::InputCommand{.player = 8, .command = {0, "describe"}}), Handled::unexpected);
  EXPECT_TRUE(client.answers.empty());
}

TEST(GameMessage, AnUnregisteredMessageTypeIsUnknown) {
  Client client;
  for (const unsigned type : {0xC1U, 0xC2U, 0xC6U, 0xD0U, 0xFFU})
    EXPECT_EQ(client.send({static_cast<std::uint8_t>(type), 1, 2, 3}), Handled::unknown) << type;
}

}  // namespace
}  // namespace serried::games::reference
