#include "message/input.h"

#include <limits>

#include <gtest/gtest.h>

#include "random_bytes.h"

namespace serried::message {
namespace {

bool decodes_float(std::span<const std::uint8_t> content) {
  Input input;
  return decode_sync_entity(content, input);
}
bool decodes_quantised(std::span<const std::uint8_t> content) {
  Input input;
  return decode_sync_entity_quantized(content, input);
}

Input some_input(Random& random, bool predicted_float) {
  Input input;
  input.sequence = random.of<std::uint16_t>();
  input.client_tick = random.of<std::uint32_t>();
  input.move_x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  input.move_y = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  input.yaw = random.of<std::int16_t>();
  input.buttons = static_cast<std::uint8_t>(random.below(16));
  input.predicted_float = predicted_float;
  if (predicted_float) {
    random.fill(input.predicted);
  } else {
    input.predicted_section_mod4 = static_cast<std::uint8_t>(random.below(64));
    random.fill(input.predicted_quantised);
  }
  return input;
}

TEST(Input, RoundTripOfBothForms) {
  Random random;
  for (int i = 0; i < 1000; ++i) {
    const Input sent = some_input(random, i % 2 == 0);
    const auto bytes = encoded_message(sent);
    const Framed framed = only_message(bytes);
    Input got = some_input(random, i % 2 != 0);  // whatever was there is overwritten
    if (sent.predicted_float) {
      ASSERT_EQ(framed.type, Type::sync_entity);
      ASSERT_EQ(framed.content.size(), input_float_content_bytes);
      ASSERT_TRUE(decode_sync_entity(framed.content, got));
      EXPECT_EQ(wrong_lengths_accepted(framed.content, decodes_float), 0);
    } else {
      ASSERT_EQ(framed.type, Type::sync_entity_quantized);
      ASSERT_EQ(framed.content.size(), input_quantised_content_bytes);
      ASSERT_TRUE(decode_sync_entity_quantized(framed.content, got));
      EXPECT_EQ(wrong_lengths_accepted(framed.content, decodes_quantised), 0);
    }
    EXPECT_EQ(got.sequence, sent.sequence);
    EXPECT_EQ(got.client_tick, sent.client_tick);
    EXPECT_EQ(got.move_x, sent.move_x);
    EXPECT_EQ(got.move_y, sent.move_y);
    EXPECT_EQ(got.yaw, sent.yaw);
    EXPECT_EQ(got.buttons, sent.buttons);
    EXPECT_EQ(got.predicted_float, sent.predicted_float);
    EXPECT_EQ(got.predicted, sent.predicted);
    EXPECT_EQ(got.predicted_section_mod4, sent.predicted_section_mod4);
    EXPECT_EQ(got.predicted_quantised, sent.predicted_quantised);
  }
}

TEST(Input, UnknownButtonsAreRefused) {
  Input input;
  const auto bytes = encoded_message(input);
  std::vector<std::uint8_t> content(only_message(bytes).content.begin(), only_message(bytes).content.end());
  for (unsigned buttons = 0; buttons < 256; ++buttons) {
    content[10] = static_cast<std::uint8_t>(buttons);
    EXPECT_EQ(decodes_quantised(content), buttons <= button::all) << buttons;
  }
}

TEST(Input, DirectionOfMinus128IsRefused) {
  for (const std::size_t at : {6U, 7U}) {
    const auto bytes = encoded_message(Input{});
    std::vector<std::uint8_t> content(only_message(bytes).content.begin(), only_message(bytes).content.end());
    content[at] = 0x80;
    EXPECT_FALSE(decodes_quantised(content));
    content[at] = 0x81;
    EXPECT_TRUE(decodes_quantised(content));
  }
}

TEST(Input, SectionBitsAboveSixAreRefused) {
  Input input;
  input.predicted_section_mod4 = 0x40;
  const auto bytes = encoded_message(input);
  EXPECT_FALSE(decodes_quantised(only_message(bytes).content));
}

TEST(Input, PositionsThatAreNoNumbersAreRefused) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (unsigned axis = 0; axis < 3; ++axis) {
      Input input;
      input.predicted_float = true;
      input.predicted[axis] = bad;
      const auto bytes = encoded_message(input);
      EXPECT_FALSE(decodes_float(only_message(bytes).content));
    }
  }
  Input largest;
  largest.predicted_float = true;
  largest.predicted = {std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                       std::numeric_limits<float>::denorm_min()};
  const auto bytes = encoded_message(largest);
  EXPECT_TRUE(decodes_float(only_message(bytes).content));
}

TEST(Input, AMessageThatDoesNotFitLeavesNothingBehind) {
  for (const bool predicted_float : {false, true}) {
    Input input;
    input.predicted_float = predicted_float;
    const std::size_t content = predicted_float ? input_float_content_bytes : input_quantised_content_bytes;
    EXPECT_TRUE(needs_its_room(framed_bytes(content), [&](auto& out) { encode(out, input); }));
  }
}

}  // namespace
}  // namespace serried::message
