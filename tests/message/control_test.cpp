#include "message/control.h"

#include <string>

#include <gtest/gtest.h>

#include "random_bytes.h"

namespace serried::message {
namespace {

Connect some_connect(Random& random, std::span<const std::uint8_t> token) {
  Connect connect;
  connect.version = random.of<std::uint32_t>();
  random.fill(connect.client_ephemeral);
  random.fill(connect.cookie);
  random.fill(connect.proof);
  connect.token = token;
  return connect;
}

TEST(Connect, RoundTripWithTokensOfEverySize) {
  Random random;
  for (std::size_t token_bytes = 0; token_bytes <= 256; ++token_bytes) {
    std::vector<std::uint8_t> token(token_bytes);
    random.fill(token);
    const Connect sent = some_connect(random, token);
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(bytes.size(), 1200U - 14U - 4U);
    const Framed framed = only_message(bytes);
    ASSERT_EQ(framed.type, Type::connect);
    Connect got;
    ASSERT_TRUE(decode(framed.content, got));
    EXPECT_EQ(got.version, sent.version);
    EXPECT_EQ(got.client_ephemeral, sent.client_ephemeral);
    EXPECT_EQ(got.cookie, sent.cookie);
    EXPECT_EQ(got.proof, sent.proof);
    EXPECT_TRUE(std::equal(got.token.begin(), got.token.end(), token.begin(), token.end()));
  }
}

TEST(Connect, FillsTheLargestDatagramExactly) { EXPECT_EQ(14 + framed_bytes(connect_content_bytes) + 4, 1200U); }

TEST(Connect, EveryNonzeroPaddingByteIsRefused) {
  Random random;
  const std::vector<std::uint8_t> token(256, 0x11);
  auto content = content_of(some_connect(random, token));
  ASSERT_EQ(content.size(), connect_content_bytes);
  for (std::size_t at = 4 + 32 + 48 + 16 + 2 + 256; at < content.size(); ++at) {
    content[at] = static_cast<std::uint8_t>(1U << (at % 8));
    EXPECT_FALSE(decodes<Connect>(content)) << at;
    content[at] = 0;
  }
  EXPECT_TRUE(decodes<Connect>(content));
}

TEST(Connect, TokenAbove256IsRefusedAndNotWritten) {
  Random random;
  auto content = content_of(some_connect(random, {}));
  content[100] = 0x01, content[101] = 0x01;  // 257
  EXPECT_FALSE(decodes<Connect>(content));
  content[100] = 0xFF, content[101] = 0xFF;
  EXPECT_FALSE(decodes<Connect>(content));
  content[100] = 0x00, content[101] = 0x01;  // 256 zeros
  EXPECT_TRUE(decodes<Connect>(content));
  const std::vector<std::uint8_t> long_token(257);
  EXPECT_TRUE(encoded_message(some_connect(random, long_token)).empty());
}

TEST(Connect, OtherLengthsAreRefused) {
  Random random;
  const std::vector<std::uint8_t> token(16, 0x22);
  EXPECT_EQ(wrong_lengths_accepted(content_of(some_connect(random, token)), decodes<Connect>), 0);
}

TEST(Cookie, RoundTrip) {
  Random random;
  for (int i = 0; i < rounds; ++i) {
    Cookie sent, got;
    random.fill(sent.echo);
    random.fill(sent.cookie);
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::cookie);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.echo, sent.echo);
    EXPECT_EQ(got.cookie, sent.cookie);
  }
  EXPECT_EQ(wrong_lengths_accepted(content_of(Cookie{}), decodes<Cookie>), 0);
}

ConnectionAccepted some_accepted(Random& random) {
  ConnectionAccepted accepted;
  accepted.tick_rate_hz = static_cast<std::uint16_t>(1 + random.below(65'535));
  accepted.input_rate_max_hz = random.of<std::uint16_t>();
  accepted.idle_ping_ms = random.of<std::uint32_t>();
  accepted.timeout_ms = random.of<std::uint32_t>();
  accepted.ack_delay_us = random.of<std::uint32_t>();
  accepted.tracked_max = random.of<std::uint16_t>();
  accepted.player_entity = random.of<std::uint64_t>();
  accepted.server_time_us = random.of<std::uint64_t>();
  accepted.cell_size_xy = static_cast<std::uint32_t>(1 + random.below(1'000'000));
  accepted.section_size_xy = accepted.cell_size_xy * static_cast<std::uint32_t>(1 + random.below(64));
  accepted.section_size_z = static_cast<std::uint32_t>(1 + random.below(1'000'000));
  accepted.cell_size_z = accepted.section_size_z * static_cast<std::uint32_t>(1 + random.below(64));
  accepted.sections_x = static_cast<std::uint16_t>(1 + random.below(65'535));
  accepted.sections_y = static_cast<std::uint16_t>(1 + random.below(65'535));
  accepted.sections_z = static_cast<std::uint16_t>(1 + random.below(65'535));
  return accepted;
}

TEST(ConnectionAccepted, RoundTrip) {
  Random random;
  for (int i = 0; i < rounds; ++i) {
    const ConnectionAccepted sent = some_accepted(random);
    ConnectionAccepted got;
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::connection_accepted);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.tick_rate_hz, sent.tick_rate_hz);
    EXPECT_EQ(got.input_rate_max_hz, sent.input_rate_max_hz);
    EXPECT_EQ(got.idle_ping_ms, sent.idle_ping_ms);
    EXPECT_EQ(got.timeout_ms, sent.timeout_ms);
    EXPECT_EQ(got.ack_delay_us, sent.ack_delay_us);
    EXPECT_EQ(got.tracked_max, sent.tracked_max);
    EXPECT_EQ(got.player_entity, sent.player_entity);
    EXPECT_EQ(got.server_time_us, sent.server_time_us);
    EXPECT_EQ(got.section_size_xy, sent.section_size_xy);
    EXPECT_EQ(got.section_size_z, sent.section_size_z);
    EXPECT_EQ(got.sections_x, sent.sections_x);
    EXPECT_EQ(got.sections_y, sent.sections_y);
    EXPECT_EQ(got.sections_z, sent.sections_z);
    EXPECT_EQ(got.cell_size_xy, sent.cell_size_xy);
    EXPECT_EQ(got.cell_size_z, sent.cell_size_z);
    EXPECT_EQ(wrong_lengths_accepted(only_message(bytes).content, decodes<ConnectionAccepted>), 0);
  }
}

TEST(ConnectionAccepted, GeometryWithoutMeaningIsRefused) {
  const auto refused = [](auto&& change) {
    ConnectionAccepted accepted;
    change(accepted);
    return !decodes<ConnectionAccepted>(content_of(accepted));
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.tick_rate_hz = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.sections_x = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.sections_y = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.sections_z = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.section_size_xy = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.section_size_z = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.cell_size_xy = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.cell_size_z = 0; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.cell_size_xy = 1'000; }));
  EXPECT_TRUE(refused([](auto& accepted) { accepted.cell_size_z = 6'401; }));
  EXPECT_FALSE(refused([](auto& accepted) { accepted.cell_size_xy = 12'800; }));
  EXPECT_FALSE(refused([](auto& accepted) { accepted.cell_size_xy = 51'200; }));
}

TEST(ConnectionDenied, RoundTripOfEveryReasonAndNoOther) {
  Random random;
  for (unsigned reason = 0; reason < 256; ++reason) {
    ConnectionDenied sent, got;
    sent.reason = static_cast<DenyReason>(reason);
    sent.retry_after_ms = random.of<std::uint32_t>();
    random.fill(sent.echo);
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::connection_denied);
    const bool known = reason >= 1 && reason <= 8;
    ASSERT_EQ(decode(only_message(bytes).content, got), known) << reason;
    EXPECT_EQ(deny_text(sent.reason) != "unknown reason", known);
    EXPECT_FALSE(deny_text(sent.reason).empty());
    if (!known) continue;
    EXPECT_EQ(got.reason, sent.reason);
    EXPECT_EQ(got.retry_after_ms, sent.retry_after_ms);
    EXPECT_EQ(got.echo, sent.echo);
    EXPECT_EQ(wrong_lengths_accepted(only_message(bytes).content, decodes<ConnectionDenied>), 0);
  }
}

TEST(PingPong, RoundTrip) {
  Random random;
  for (int i = 0; i < rounds; ++i) {
    const Ping ping{random.of<std::uint64_t>(), random.of<std::uint64_t>()};
    const Pong pong{random.of<std::uint64_t>(), random.of<std::uint64_t>(), random.of<std::uint32_t>()};
    const auto ping_bytes = encoded_message(ping);
    const auto pong_bytes = encoded_message(pong);
    Ping ping_got;
    Pong pong_got;
    EXPECT_EQ(only_message(ping_bytes).type, Type::ping);
    EXPECT_EQ(only_message(pong_bytes).type, Type::pong);
    ASSERT_TRUE(decode(only_message(ping_bytes).content, ping_got));
    ASSERT_TRUE(decode(only_message(pong_bytes).content, pong_got));
    EXPECT_EQ(ping_got.id, ping.id);
    EXPECT_EQ(ping_got.time_us, ping.time_us);
    EXPECT_EQ(pong_got.id, pong.id);
    EXPECT_EQ(pong_got.time_us, pong.time_us);
    EXPECT_EQ(pong_got.delay_us, pong.delay_us);
  }
  EXPECT_EQ(wrong_lengths_accepted(content_of(Ping{1, 2}), decodes<Ping>), 0);
  EXPECT_EQ(wrong_lengths_accepted(content_of(Pong{1, 2, 3}), decodes<Pong>), 0);
}

TEST(Disconnect, AnyTextOfAtMost64BytesSurvives) {
  Random random;
  for (std::size_t length = 0; length <= disconnect_text_bytes_max; ++length) {
    std::vector<std::uint8_t> text(length);
    random.fill(text);
    if (length > 1) text[0] = 0xFF, text[1] = 0xC0;  // not UTF-8: the reader of the log sees to that, not the codec
    Disconnect sent{DisconnectReason::kicked, text}, got;
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::disconnect);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.reason, DisconnectReason::kicked);
    EXPECT_TRUE(std::equal(got.text.begin(), got.text.end(), text.begin(), text.end()));
  }
}

TEST(Disconnect, LongTextsUnknownReasonsAndNoReasonAreRefused) {
  std::vector<std::uint8_t> content(1 + disconnect_text_bytes_max + 1, 'x');
  content[0] = 1;
  EXPECT_FALSE(decodes<Disconnect>(content));
  content.pop_back();
  EXPECT_TRUE(decodes<Disconnect>(content));
  for (unsigned reason = 0; reason < 256; ++reason) {
    content[0] = static_cast<std::uint8_t>(reason);
    const bool known = reason >= 1 && reason <= 8;
    EXPECT_EQ(decodes<Disconnect>(content), known) << reason;
    EXPECT_EQ(disconnect_text(static_cast<DisconnectReason>(reason)) != "unknown reason", known);
  }
  EXPECT_FALSE(decodes<Disconnect>({}));
  const std::vector<std::uint8_t> long_text(65);
  EXPECT_TRUE(encoded_message(Disconnect{DisconnectReason::user, long_text}).empty());
}

TEST(CryptoTest, RoundTripUnderBothTypes) {
  Random random;
  for (const Type type : {Type::crypto_test, Type::crypto_test_ack}) {
    CryptoTest sent, got;
    random.fill(sent.bytes);
    const auto bytes = encoded([&](base::ByteWriter& out) { encode(out, type, sent); });
    EXPECT_EQ(only_message(bytes).type, type);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.bytes, sent.bytes);
    EXPECT_EQ(wrong_lengths_accepted(only_message(bytes).content, decodes<CryptoTest>), 0);
  }
}

TEST(EnterToWorld, OnlyTheAuditBitIsKnown) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const std::uint8_t content[] = {static_cast<std::uint8_t>(flags)};
    EnterToWorld got;
    ASSERT_EQ(decode(std::span<const std::uint8_t>(content), got), flags <= 1);
    if (flags > 1) continue;
    EXPECT_EQ(got.audit, flags == 1);
    const auto bytes = encoded_message(got);
    EXPECT_EQ(only_message(bytes).type, Type::enter_to_world);
    EXPECT_EQ(only_message(bytes).content[0], flags);
  }
  EXPECT_EQ(wrong_lengths_accepted(content_of(EnterToWorld{}), decodes<EnterToWorld>), 0);
}

TEST(ReliableHandshake, RoundTripUpToTheLargestMessage) {
  Random random;
  for (int i = 0; i < rounds; ++i) {
    const ReliableHandshake sent{static_cast<std::uint32_t>(random.below(message_bytes_max + 1)),
                                 random.of<std::uint32_t>(), random.of<std::uint32_t>()};
    ReliableHandshake got;
    const auto bytes = encoded_message(sent);
    EXPECT_EQ(only_message(bytes).type, Type::reliable_handshake);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.message_bytes_max, sent.message_bytes_max);
    EXPECT_EQ(got.dictionary, sent.dictionary);
    EXPECT_EQ(got.build, sent.build);
  }
  EXPECT_TRUE(decodes<ReliableHandshake>(content_of(ReliableHandshake{524'288, 0, 0})));
  EXPECT_FALSE(decodes<ReliableHandshake>(content_of(ReliableHandshake{524'289, 0, 0})));
  EXPECT_FALSE(decodes<ReliableHandshake>(content_of(ReliableHandshake{~std::uint32_t{0}, 0, 0})));
  EXPECT_EQ(wrong_lengths_accepted(content_of(ReliableHandshake{}), decodes<ReliableHandshake>), 0);
}

TEST(CheckIntegrity, QuestionAndAnswerRoundTripUnderOneType) {
  Random random;
  for (int i = 0; i < rounds; ++i) {
    CheckIntegrity asked{random.of<std::uint32_t>(), random.of<std::uint16_t>(), {}}, heard;
    random.fill(asked.nonce);
    IntegrityAnswer answered{asked.version, asked.index, {}}, got;
    random.fill(answered.answer);
    const auto question = encoded_message(asked);
    const auto answer = encoded_message(answered);
    EXPECT_EQ(only_message(question).type, Type::check_integrity);
    EXPECT_EQ(only_message(answer).type, Type::check_integrity);
    ASSERT_TRUE(decode(only_message(question).content, heard));
    EXPECT_EQ(heard.version, asked.version);
    EXPECT_EQ(heard.index, asked.index);
    EXPECT_EQ(heard.nonce, asked.nonce);
    ASSERT_TRUE(decode(only_message(answer).content, got));
    EXPECT_EQ(got.version, answered.version);
    EXPECT_EQ(got.index, answered.index);
    EXPECT_EQ(got.answer, answered.answer);
  }
  EXPECT_EQ(wrong_lengths_accepted(content_of(CheckIntegrity{}), decodes<CheckIntegrity>), 0);
  EXPECT_EQ(wrong_lengths_accepted(content_of(IntegrityAnswer{}), decodes<IntegrityAnswer>), 0);
}

TEST(Rekey, RoundTripUnderEveryType) {
  Random random;
  for (const Type type :
       {Type::rekey_request, Type::rekey_response, Type::server_rekey_request, Type::client_rekey_response}) {
    Rekey sent{random.of<std::uint8_t>(), {}}, got;
    random.fill(sent.ephemeral);
    const auto bytes = encoded([&](base::ByteWriter& out) { encode(out, type, sent); });
    EXPECT_EQ(only_message(bytes).type, type);
    ASSERT_TRUE(decode(only_message(bytes).content, got));
    EXPECT_EQ(got.epoch, sent.epoch);
    EXPECT_EQ(got.ephemeral, sent.ephemeral);
    EXPECT_EQ(wrong_lengths_accepted(only_message(bytes).content, decodes<Rekey>), 0);
  }
}

TEST(Control, AMessageThatDoesNotFitLeavesNothingBehind) {
  const std::vector<std::uint8_t> text(64, 'x');
  EXPECT_TRUE(needs_its_room(framed_bytes(connect_content_bytes), [](auto& out) { encode(out, Connect{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(56), [](auto& out) { encode(out, Cookie{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(56), [](auto& out) { encode(out, ConnectionAccepted{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(13), [](auto& out) { encode(out, ConnectionDenied{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(16), [](auto& out) { encode(out, Ping{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(20), [](auto& out) { encode(out, Pong{}); }));
  const Disconnect longest{DisconnectReason::user, text};
  EXPECT_TRUE(needs_its_room(framed_bytes(65), [&](auto& out) { encode(out, longest); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(32), [](auto& out) { encode(out, Type::crypto_test, CryptoTest{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(1), [](auto& out) { encode(out, EnterToWorld{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(12), [](auto& out) { encode(out, ReliableHandshake{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(22), [](auto& out) { encode(out, CheckIntegrity{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(22), [](auto& out) { encode(out, IntegrityAnswer{}); }));
  EXPECT_TRUE(needs_its_room(framed_bytes(33), [](auto& out) { encode(out, Type::rekey_request, Rekey{}); }));
}

}  // namespace
}  // namespace serried::message
