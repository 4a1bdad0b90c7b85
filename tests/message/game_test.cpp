#include "message/game.h"

#include <string>

#include <gtest/gtest.h>

#include "random_bytes.h"

namespace serried::message {
namespace {

TEST(Action, RoundTrip) {
  Random random;
  for (int i = 0; i < rounds; ++i) {
    const Action sent{random.of<std::uint32_t>(), random.of<std::uint16_t>(), random.of<std::uint64_t>()};
    Action got;
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::action);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.request, sent.request);
    EXPECT_EQ(got.action, sent.action);
    EXPECT_EQ(got.target, sent.target);
  }
  EXPECT_EQ(content_of(Action{}).size(), 14U);
  EXPECT_EQ(wrong_lengths_accepted(content_of(Action{}), decodes<Action>), 0);
  EXPECT_TRUE(needs_its_room(framed_bytes(14), [](auto& out) { encode(out, Action{}); }));
}

TEST(ActionResult, RoundTripOfEveryResultAndNoOther) {
  for (unsigned result = 0; result < 256; ++result) {
    const ActionResult sent{0xDDCCBBAA, static_cast<ActionOutcome>(result)};
    ActionResult got;
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::action_result);
    ASSERT_EQ(decode(only_message(bytes).content, got), result <= 4) << result;
    EXPECT_EQ(got.request, sent.request);
    EXPECT_EQ(got.result, sent.result);
  }
  EXPECT_EQ(wrong_lengths_accepted(content_of(ActionResult{}), decodes<ActionResult>), 0);
  EXPECT_TRUE(needs_its_room(framed_bytes(5), [](auto& out) { encode(out, ActionResult{}); }));
}

TEST(Chat, TextsOf1To256BytesRoundTrip) {
  for (std::size_t length = 0; length <= 257; ++length) {
    const std::string text(length, 'x');
    const Chat sent{ChatScope::near, length, base::as_bytes(text)};
    const auto bytes = encoded_message(sent);
    ASSERT_EQ(!bytes.empty(), length >= 1 && length <= 256) << length;
    if (bytes.empty()) continue;
    Chat got;
    EXPECT_EQ(only_message(bytes).type, Type::chat);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.scope, sent.scope);
    EXPECT_EQ(got.sender, sent.sender);
    EXPECT_EQ(base::as_text(got.text), text);
  }
  std::vector<std::uint8_t> content(9 + 257, 'x');
  content[0] = 0;
  EXPECT_FALSE(decodes<Chat>(content));
  content.pop_back();
  EXPECT_TRUE(decodes<Chat>(content));
  content.resize(9);
  EXPECT_FALSE(decodes<Chat>(content));
  EXPECT_FALSE(decodes<Chat>({}));
  EXPECT_TRUE(needs_its_room(framed_bytes(10), [](auto& out) {
    encode(out, Chat{ChatScope::near, 0, base::as_bytes("x")});
  }));
}

TEST(Chat, OnlyUtf8IsTaken) {
  const std::string euro = "\xE2\x82\xAC";
  EXPECT_TRUE(decodes<Chat>(content_of(Chat{ChatScope::everybody, 0, base::as_bytes(euro)})));
  for (const std::string text : {"\xFF", "a\xE2\x82", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_TRUE(encoded_message(Chat{ChatScope::near, 0, base::as_bytes(text)}).empty());
    std::vector<std::uint8_t> content(9, 0);
    content.insert(content.end(), text.begin(), text.end());
    EXPECT_FALSE(decodes<Chat>(content));
  }
}

TEST(Chat, ScopesAndWhoMaySpeak) {
  for (unsigned scope = 0; scope < 256; ++scope) {
    for (const unsigned sender : {0U, 1U}) {
      std::vector<std::uint8_t> content(9 + 1, 0);
      content[0] = static_cast<std::uint8_t>(scope), content[1] = static_cast<std::uint8_t>(sender), content[9] = 'x';
      ASSERT_EQ(decodes<Chat>(content), scope <= 1 || (scope == 2 && sender == 0)) << scope;
    }
  }
  EXPECT_TRUE(may_come_from_client({ChatScope::near, 0, {}}));
  EXPECT_TRUE(may_come_from_client({ChatScope::everybody, 0, {}}));
  EXPECT_FALSE(may_come_from_client({ChatScope::near, 7, {}})) << "in another's name";
  EXPECT_FALSE(may_come_from_client({ChatScope::server, 0, {}}));
}

TEST(Symbol, RoundTripOfEveryIdWidthAndNameLength) {
  for (const unsigned id : {1U, 127U, 128U, 16'383U, 16'384U, 65'535U}) {
    for (const std::size_t length : {1, 2, 63, 64}) {
      const std::string name(length, 'n');
      const Symbol sent{static_cast<std::uint16_t>(id), name};
      Symbol got;
      const auto bytes = encoded_message(sent);
      EXPECT_EQ(only_message(bytes).type, Type::symbol);
      ASSERT_TRUE(decode(only_message(bytes).content, got));
      EXPECT_EQ(got.id, id);
      EXPECT_EQ(got.name, name);
      EXPECT_EQ(wrong_lengths_accepted(only_message(bytes).content, decodes<Symbol>), 0);
      EXPECT_TRUE(needs_its_room(bytes.size(), [&](auto& out) { encode(out, sent); }));
    }
  }
}

TEST(Symbol, IdZeroLargeIdsAndBadNamesAreRefused) {
  const auto refused = [](std::vector<std::uint8_t> content) { return !decodes<Symbol>(content); };
  EXPECT_FALSE(refused({0x01, 0x01, 0x00, 'a'}));
  EXPECT_TRUE(refused({0x00, 0x01, 0x00, 'a'})) << "id 0";
  EXPECT_TRUE(refused({0x80, 0x80, 0x04, 0x01, 0x00, 'a'})) << "id 65,536";
  EXPECT_TRUE(refused({0x01, 0x00, 0x00})) << "no name";
  EXPECT_TRUE(refused({0x01, 0x01, 0x00, 0xFF})) << "no UTF-8";
  std::vector<std::uint8_t> content(3 + 65, 'a');
  content[0] = 1, content[1] = 65, content[2] = 0;
  EXPECT_TRUE(refused(content)) << "65 bytes";
  EXPECT_FALSE(refused({0x81, 0x00, 0x01, 0x00, 'a'})) << "a longer varint is a varint";
  EXPECT_TRUE(encoded_message(Symbol{0, "a"}).empty());
  EXPECT_TRUE(encoded_message(Symbol{1, ""}).empty());
  EXPECT_TRUE(encoded_message(Symbol{1, "\xFF"}).empty());
  EXPECT_TRUE(encoded_message(Symbol{1, std::string(65, 'a')}).empty());
}

/// A state update with components of random names and values, and what they were.
struct Sample {
  struct Part {
    std::uint16_t id;
    std::string name;
    std::vector<std::uint8_t> bytes;
    [[nodiscard]] SymbolRef ref() const { return {id, name}; }
  };
  std::vector<Part> parts;
  explicit Sample(Random& random, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Part part;
      if (random.coin())
        part.id = static_cast<std::uint16_t>(1 + random.below(65'535));
      else
        part.id = 0, part.name = std::string(1 + random.below(64), static_cast<char>('a' + random.below(26)));
      part.bytes.resize(random.below(200));
      random.fill(part.bytes);
      parts.push_back(part);
    }
  }
};

void expect_parts(const StateUpdate& update, const Sample& sample) {
  ComponentReader reader(update);
  Component component;
  for (const Sample::Part& part : sample.parts) {
    ASSERT_TRUE(reader.next(component));
    EXPECT_EQ(component.name.id, part.id);
    EXPECT_EQ(component.name.name, part.name);
    EXPECT_TRUE(std::equal(component.bytes.begin(), component.bytes.end(), part.bytes.begin(), part.bytes.end()));
  }
  EXPECT_FALSE(reader.next(component));
  EXPECT_TRUE(reader.ok());
}

TEST(StateUpdate, PiecewiseContentDecodesToItsPieces) {
  Random random;
  std::vector<std::uint8_t> room(512 * 1024);
  for (const std::size_t count : {0, 1, 2, 17, 1000}) {
    const Sample sample(random, count);
    StateUpdate head;
    head.timestamp_ns = random.of<std::uint64_t>();
    head.entity = random.of<std::uint64_t>();
    head.priority = random.of<std::uint8_t>();
    head.sequence = random.of<std::uint32_t>();
    base::ByteWriter out(room);
    StateUpdateWriter writer(out, head);
    for (std::size_t i = 0; i < sample.parts.size(); ++i) {
      const auto& part = sample.parts[i];
      if (i % 2 == 0) {
        ASSERT_TRUE(writer.add(part.ref(), part.bytes));
      } else {
        writer.begin(part.ref());
        out.write_bytes(part.bytes);
      }
    }
    const auto content = writer.end();
    ASSERT_FALSE(content.empty());
    StateUpdate got;
    ASSERT_TRUE(decode(content, got));
    EXPECT_EQ(got.timestamp_ns, head.timestamp_ns);
    EXPECT_EQ(got.entity, head.entity);
    EXPECT_EQ(got.priority, head.priority);
    EXPECT_EQ(got.sequence, head.sequence);
    EXPECT_EQ(got.count, count);
    expect_parts(got, sample);

    std::vector<std::uint8_t> framed(framed_bytes(content.size()));
    base::ByteWriter whole(framed);
    encode(whole, got);
    ASSERT_TRUE(whole.ok());
    EXPECT_EQ(only_message(framed).type, Type::state_update);
    const auto again = only_message(framed).content;
    EXPECT_TRUE(std::equal(again.begin(), again.end(), content.begin(), content.end()));
  }
}

TEST(StateUpdate, EveryOtherLengthIsRefused) {
  Random random;
  std::vector<std::uint8_t> room(4096);
  base::ByteWriter out(room);
  StateUpdateWriter writer(out, {});
  for (const auto& part : Sample(random, 5).parts) ASSERT_TRUE(writer.add(part.ref(), part.bytes));
  const auto content = writer.end();
  EXPECT_EQ(wrong_lengths_accepted(content, decodes<StateUpdate>), 0);
}

TEST(StateUpdate, CountAndSizesMustFitTheContent) {
  std::vector<std::uint8_t> room(64);
  base::ByteWriter out(room);
  StateUpdateWriter writer(out, {});
  ASSERT_TRUE(writer.add({5, {}}, {}));
  ASSERT_TRUE(writer.add({0, "ab"}, std::vector<std::uint8_t>(3)));
  const auto written = writer.end();
  std::vector<std::uint8_t> content(written.begin(), written.end());
  constexpr std::size_t count_at = 21, first = 23;
  ASSERT_EQ(content.size(), first + 5 + 9 + 3);
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    auto changed = content;
    changed[at] = value;
    return !decodes<StateUpdate>(changed);
  };
  EXPECT_FALSE(refused(count_at, 2));
  EXPECT_TRUE(refused(count_at, 1));
  EXPECT_TRUE(refused(count_at, 3));
  EXPECT_TRUE(refused(count_at + 1, 0xFF));
  EXPECT_TRUE(refused(first + 1, 0x01)) << "the first value takes a byte of what follows";
  EXPECT_TRUE(refused(first + 4, 0xFF)) << "a value of 4 GB";
  EXPECT_TRUE(refused(first + 5 + 1, 0)) << "an empty name";
  EXPECT_TRUE(refused(first + 5 + 1, 65));
  EXPECT_TRUE(refused(first + 5 + 3, 0xFF)) << "no UTF-8";
  // Component by component, what did not decode is read no further than it makes sense.
  content[first + 5 + 3] = 0xFF;
  StateUpdate broken;
  broken.count = 2;
  broken.components = std::span<const std::uint8_t>(content).subspan(first);
  ComponentReader reader(broken);
  Component component;
  EXPECT_TRUE(reader.next(component));
  EXPECT_FALSE(reader.next(component));
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.next(component));
}

TEST(StateUpdate, AddIsAllOrNothing) {
  std::vector<std::uint8_t> room(23 + 5 + 10 + 4);
  base::ByteWriter out(room);
  StateUpdateWriter writer(out, {});
  const std::vector<std::uint8_t> value(10, 0x77);
  EXPECT_TRUE(writer.add({1, {}}, value));
  EXPECT_FALSE(writer.add({2, {}}, {})) << "4 bytes of room, 5 needed";
  EXPECT_FALSE(writer.add({0, "\xFF"}, {})) << "no name";
  EXPECT_FALSE(writer.add({0, ""}, {}));
  EXPECT_FALSE(writer.add({3, "both"}, {}));
  StateUpdate got;
  ASSERT_TRUE(decode(writer.end(), got));
  EXPECT_EQ(got.count, 1);
}

TEST(StateUpdate, AWriterWithoutRoomEndsEmpty) {
  for (std::size_t bytes = 0; bytes < 23 + 5 + 8; ++bytes) {
    std::vector<std::uint8_t> room(bytes);
    base::ByteWriter out(room);
    StateUpdateWriter writer(out, {});
    writer.begin({1, {}});
    out.write<std::uint64_t>(1);
    EXPECT_TRUE(writer.end().empty()) << bytes;
  }
  std::vector<std::uint8_t> room(100);
  base::ByteWriter out(room);
  StateUpdateWriter writer(out, {});
  writer.begin({0, ""});
  EXPECT_TRUE(writer.end().empty()) << "a name that no receiver takes";
}

TEST(StateUpdate, NothingIsLongerThanTheLongestMessage) {
  std::vector<std::uint8_t> room(message_bytes_max + 64);
  for (const std::size_t beyond : {0, 1}) {
    base::ByteWriter out(room);
    StateUpdateWriter writer(out, {});
    // The type is the one byte that the content does not have.
    EXPECT_TRUE(writer.add({1, {}}, std::vector<std::uint8_t>(message_bytes_max - 1 - 23 - 5 + beyond)));
    EXPECT_EQ(writer.end().size(), beyond == 0 ? message_bytes_max - 1 : 0);
  }
}

TEST(InputCommand, RoundTripWholeAndPiecewise) {
  Random random;
  for (const auto& part : Sample(random, 100).parts) {
    InputCommand sent;
    sent.player = random.of<std::uint64_t>();
    sent.timestamp_ns = random.of<std::uint64_t>();
    sent.sequence = random.of<std::uint32_t>();
    sent.command = part.ref();
    sent.bytes = part.bytes;
    InputCommand got;
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::input_command);
    const auto content = only_message(bytes).content;
    ASSERT_TRUE(decode(content, got));
    EXPECT_EQ(got.player, sent.player);
    EXPECT_EQ(got.timestamp_ns, sent.timestamp_ns);
    EXPECT_EQ(got.sequence, sent.sequence);
    EXPECT_EQ(got.command.id, part.id);
    EXPECT_EQ(got.command.name, part.name);
    EXPECT_TRUE(std::equal(got.bytes.begin(), got.bytes.end(), part.bytes.begin(), part.bytes.end()));
    EXPECT_EQ(wrong_lengths_accepted(content, decodes<InputCommand>), 0);
    EXPECT_TRUE(needs_its_room(bytes.size(), [&](auto& out) { encode(out, sent); }));

    std::vector<std::uint8_t> room(content.size());
    base::ByteWriter out(room);
    InputCommandWriter writer(out, sent);
    out.write_bytes(part.bytes);
    const auto piecewise = writer.end();
    EXPECT_TRUE(std::equal(piecewise.begin(), piecewise.end(), content.begin(), content.end()));
    room.pop_back();
    base::ByteWriter tight(room);
    InputCommandWriter cut(tight, sent);
    tight.write_bytes(part.bytes);
    EXPECT_TRUE(cut.end().empty());
  }
}

TEST(InputCommand, ACommandWithoutANameIsNotWritten) {
  InputCommand message;
  EXPECT_TRUE(encoded_message(message).empty());
  std::vector<std::uint8_t> room(100);
  base::ByteWriter out(room);
  EXPECT_TRUE(InputCommandWriter(out, message).end().empty());
}

}  // namespace
}  // namespace serried::message
