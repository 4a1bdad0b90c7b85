/// Reliable channels between real clients and an io lane, and what a client with good keys can do to them.
#include "io/fixture.h"
#include "message/type.h"

namespace serried::io {
namespace {

using channel::Queued;
using channel::Urgency;
using message::Type;
using metrics::Drop;
using wire::Channel;
using wire::flag::sealed;
using Bytes = std::vector<std::uint8_t>;

constexpr auto own = Type::game_own;

class ReliableTest : public LaneTest {
 protected:
  explicit ReliableTest(const IoConfig& config = generous()) : LaneTest(config) {}
  static IoConfig generous() {
    IoConfig config = default_config();
    config.type_rates = {};
    config.parameters.input_rate_max_hz = 1'000;
    return config;
  }

  static Bytes numbered(std::uint32_t number, std::size_t bytes = 40) {
    base::Prng rng{number};
    Bytes content(bytes);
    for (auto& byte : content) byte = static_cast<std::uint8_t>(rng.next());
    base::store(content.data(), number);
    return content;
  }
  static Bytes typed(const Bytes& content) {
    Bytes message{static_cast<std::uint8_t>(own)};
    message.insert(message.end(), content.begin(), content.end());
    return message;
  }
  /// The numbers of the messages that came on a channel, each held against what was sent.
  static std::vector<std::uint32_t> numbers(const std::vector<GameMessage>& game_messages, Channel channel) {
    std::vector<std::uint32_t> found;
    for (const GameMessage& game_message : game_messages) {
      if (game_message.channel != channel) continue;
      const auto number = base::load<std::uint32_t>(game_message.message.data() + 1);
      EXPECT_EQ(game_message.message, typed(numbered(number, game_message.message.size() - 1)));
      found.push_back(number);
    }
    return found;
  }
  static std::vector<std::uint32_t> counted(std::uint32_t count) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < count; ++i) all.push_back(i);
    return all;
  }
  void step_and_collect(std::vector<GameMessage>& game_messages) {
    step();
    for (GameMessage& game_message : collect()) game_messages.push_back(std::move(game_message));
    discard_rows();
  }
  [[nodiscard]] bool ended(const Peer&) {
    run(500 * millisecond);
    return lane.counters().sessions.value() == 0;
  }
};

constexpr port::LoopProfile rough{.loss = 0.15, .duplicate = 0.1, .delay_min = 0, .delay_max = 40 * millisecond};

Bytes handshake_body(unsigned count) {
  Bytes body(wire::body_bytes_max);
  base::ByteWriter out{body};
  for (unsigned i = 0; i < count; ++i) message::encode(out, message::ReliableHandshake{});
  body.resize(out.size());
  return body;
}

TEST_F(ReliableTest, HandshakesAreAnsweredOnceADatagram) {
  Peer& peer = play(1);
  take_over(peer);
  run(200 * millisecond);
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t before = received;
    send(peer, {.flags = sealed | wire::flag::reliable_handshake, .body = handshake_body(1)});
    step();
    step();
    EXPECT_EQ(received, before + 1);
  }
  EXPECT_EQ(drops(Drop::unexpected_message), 0U);
  const std::uint64_t before = received;
  send(peer, {.flags = sealed | wire::flag::reliable_handshake, .body = handshake_body(3)});
  run(5 * millisecond);
  EXPECT_EQ(received, before + 1);
  EXPECT_EQ(drops(Drop::unexpected_message), 2U);
  send(peer, {.body = handshake_body(1)});
  run(5 * millisecond);
  EXPECT_EQ(drops(Drop::unexpected_message), 3U) << "without the flag";
}

TEST_F(ReliableTest, AHandshakeBeforeTheTokenIsConfirmedIsRefused) {
  Peer& peer = add_peer(claims_for(1));
  for (int i = 0; i < 200 && peer.session.state() != peer::State::testing; ++i) step();
  take_over(peer);
  send(peer, {.flags = sealed | wire::flag::reliable_handshake, .body = handshake_body(1)});
  run(5 * millisecond);
  EXPECT_EQ(drops(Drop::unexpected_message), 1U);
}

TEST_F(ReliableTest, BeforeTheHandshakeReliableDatagramsAreDroppedUnacked) {
  prepare = [](peer::SessionOptions& options) { options.pools = nullptr; };
  Peer& peer = play(1);
  take_over(peer);
  run(200 * millisecond);
  const std::uint64_t before = received;
  for (const auto channel : {std::uint8_t{1}, std::uint8_t{2}})
    send(peer, {.channel = channel, .body = reliable_body(0, {typed(numbered(0))})});
  send(peer, {.flags = sealed | wire::flag::fragment, .body = Bytes(16, 1)});
  run(100 * millisecond);
  EXPECT_EQ(drops(Drop::reliable_closed), 3U);
  EXPECT_EQ(received, before) << "no ack";
  EXPECT_TRUE(collect().empty());
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  expect_balanced();
}

TEST_F(ReliableTest, MessagesArriveExactlyOnceBothWays) {
  Peer& peer = play(1);
  rig.network.set_profile(rough);
  server->set_outbound(rough);
  remote->set_outbound(rough);
  constexpr std::uint32_t count = 300;
  std::uint32_t up[2] = {}, down[2] = {};
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 60'000 && (game_messages.size() < 2 * count || peer.inbox.size() < 2 * count); ++i) {
    for (const unsigned c : {0U, 1U}) {
      const auto channel = static_cast<Channel>(c + 1);
      if (up[c] < count && i % 7 == 0 &&
          peer.session.send_message(channel, own, numbered(up[c]), Urgency::bundled, now) == Queued::yes)
        ++up[c];
      if (down[c] < count && i % 20 == 0)
        post(peer, channel, typed(numbered(down[c]++)), link::message_flag::immediate);
    }
    step_and_collect(game_messages);
  }
  for (const Channel channel : {Channel::reliable_ordered, Channel::reliable_unordered}) {
    for (const auto& [side, got] : {std::pair{"up", &game_messages}, std::pair{"down", &peer.inbox}}) {
      SCOPED_TRACE(testing::Message() << side << ", channel " << static_cast<int>(channel));
      std::vector<std::uint32_t> found = numbers(*got, channel);
      if (channel == Channel::reliable_unordered) {
        EXPECT_FALSE(std::is_sorted(found.begin(), found.end())) << "the wire reordered, the channel does not mend it";
        std::sort(found.begin(), found.end());
      }
      EXPECT_EQ(found, counted(count));
    }
  }
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  server->set_outbound({});
  remote->set_outbound({});
  run(5 * second);
  EXPECT_EQ(lane.counters().waiting_chunks.value(), 0U);
  EXPECT_EQ(client_pools.chunk.in_use(), 0U);
  expect_balanced();
}

TEST_F(ReliableTest, MessagesWaitForAFullRing) {
  Peer& peer = play(1);
  constexpr std::uint32_t count = 1'500;
  std::uint32_t sent = 0;
  for (int i = 0; i < 4'000; ++i) {
    if (sent < count && peer.session.send_message(Channel::reliable_ordered, own, numbered(sent), Urgency::immediate,
                                                  now) == Queued::yes)
      ++sent;
    step();
    discard_rows();
  }
  EXPECT_LT(sent, count) << "the shard reads nothing: the sender is held back";
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 60'000 && game_messages.size() < count; ++i) {
    if (sent < count && peer.session.send_message(Channel::reliable_ordered, own, numbered(sent), Urgency::immediate,
                                                  now) == Queued::yes)
      ++sent;
    step();
    if (i % 10 == 0)
      for (GameMessage& game_message : collect(8)) game_messages.push_back(std::move(game_message));
    discard_rows();
  }
  EXPECT_EQ(numbers(game_messages, Channel::reliable_ordered), counted(count));
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(ReliableTest, LongMessagesGoInFragmentsBothWays) {
  Peer& peer = play(1);
  for (const std::size_t bytes :
       {std::size_t{1'300}, std::size_t{16'384}, std::size_t{100'001}, std::size_t{channel::message_bytes_max - 1}}) {
    for (const Channel channel : {Channel::reliable_ordered, Channel::reliable_unordered}) {
      SCOPED_TRACE(testing::Message() << bytes << " bytes, channel " << static_cast<int>(channel));
      const Bytes content = numbered(static_cast<std::uint32_t>(bytes), bytes);
      const Bytes message = typed(content);
      const link::SharedMessage shared{message};
      peer.inbox.clear();
      ASSERT_EQ(peer.session.send_message(channel, own, content, Urgency::immediate, now), Queued::yes);
      ASSERT_TRUE(link.filled.push(link::OutRow::Shared{.session = joined[&peer].session(),
                                                        .connection_id = joined[&peer].connection_id(),
                                                        .channel = channel,
                                                        .message = &shared}));
      std::vector<GameMessage> game_messages;
      for (int i = 0; i < 30'000 && (game_messages.empty() || peer.inbox.empty()); ++i) step_and_collect(game_messages);
      ASSERT_EQ(game_messages.size(), 1U);
      ASSERT_EQ(peer.inbox.size(), 1U);
      EXPECT_EQ(game_messages[0].message, message);
      EXPECT_EQ(peer.inbox[0].message, message);
      EXPECT_EQ(game_messages[0].channel, channel);
      run(500 * millisecond);  // the last acks
    }
  }
  EXPECT_EQ(lane.counters().fragment_bytes.value(), 0U);
  EXPECT_EQ(client_pools.block.in_use_bytes(), 0U);
}

TEST_F(ReliableTest, LongUnreliableMessagesArriveWhole) {
  Peer& peer = play(1);
  const Bytes content = numbered(5, 5'000);
  ASSERT_EQ(peer.session.send_message(Channel::unreliable, own, content, Urgency::immediate, now), Queued::yes);
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 500; ++i) step_and_collect(game_messages);
  ASSERT_EQ(game_messages.size(), 1U);
  EXPECT_EQ(game_messages[0].message, typed(content));
  EXPECT_EQ(game_messages[0].channel, Channel::unreliable);

  server->set_inbound({.loss = 0.5});
  ASSERT_EQ(peer.session.send_message(Channel::unreliable, own, numbered(6, 30'000), Urgency::immediate, now),
            Queued::yes);
  run(5 * second);
  EXPECT_GT(lane.counters().fragment_bytes.value(), 0U);
  server->set_inbound({});
  for (int i = 0; i < 8'000; ++i) step_and_collect(game_messages);
  EXPECT_EQ(game_messages.size(), 1U);
  EXPECT_EQ(drops(Drop::fragments_expired), 1U);
  EXPECT_EQ(lane.counters().fragment_bytes.value(), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(ReliableTest, CompressibleMessagesArePackedBothWays) {
  channel::Packer packer;
  prepare = [&](peer::SessionOptions& options) { options.packer = &packer; };
  Peer& peer = play(1);
  const Bytes content(1'000, 9);
  const std::uint64_t before = server->counters().rx_bytes.value();
  ASSERT_EQ(peer.session.send_message(Channel::reliable_ordered, own, content, Urgency::immediate, now), Queued::yes);
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 20; ++i) step_and_collect(game_messages);
  EXPECT_LT(server->counters().rx_bytes.value() - before, 300U);
  post(peer, Channel::reliable_ordered, typed(content), link::message_flag::immediate);
  for (int i = 0; i < 100; ++i) step_and_collect(game_messages);
  ASSERT_EQ(game_messages.size(), 1U);
  ASSERT_EQ(peer.inbox.size(), 1U);
  EXPECT_EQ(game_messages[0].message, typed(content));
  EXPECT_EQ(peer.inbox[0].message, typed(content));
  EXPECT_GT(lane.counters().packed_from_bytes.value(), 900U);
  EXPECT_LT(lane.counters().packed_to_bytes.value(), 200U);
}

/// What a reliable channel does not forgive.
TEST_F(ReliableTest, ProtocolErrorsEndTheSession) {
  struct Case {
    const char* name;
    Forge datagram;
    Drop reason;
  };
  Bytes overlapping = {0, 0, 1, 0, 0, 0, 0xD0, 0x07, 0, 0};  // id 0, fragment 1, offset 0, 2000 bytes
  overlapping.resize(10 + 64, 0xD0);
  Bytes beyond = {0, 0, 1, 0, 0xFF, 0xFF, 0x10, 0, 0, 0};
  beyond.resize(10 + 16, 0xD0);
  const std::vector<Case> cases{
      {"length beyond the body", {.channel = 1, .body = {0, 0, 200, 0xD0, 1}}, Drop::bad_reliable},
      {"length 0", {.channel = 2, .body = {0, 0, 0}}, Drop::bad_reliable},
      {"no id", {.channel = 1, .body = {7}}, Drop::bad_reliable},
      {"nothing behind the id", {.channel = 2, .body = {0, 0}}, Drop::bad_reliable},
      {"empty", {.channel = 1}, Drop::bad_reliable},
      {"a fragment beyond its message",
       {.flags = sealed | wire::flag::fragment, .channel = 1, .body = beyond},
       Drop::bad_reliable},
      {"damaged packed body",
       {.flags = sealed | wire::flag::compressed, .channel = 1, .body = Bytes(40, 0x77)},
       Drop::bad_packed},
  };
  std::uint64_t player = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Peer& peer = play(++player);
    take_over(peer);
    const std::uint64_t before = drops(one.reason);
    send(peer, one.datagram);
    EXPECT_TRUE(ended(peer));
    EXPECT_EQ(drops(one.reason), before + 1);
    link::SessionEvent leave;
    EXPECT_EQ(link.session_events.pop(&leave, 1), 1U);
    discard_rows();
    expect_balanced();
  }
}

TEST_F(ReliableTest, AMessageOnTheWrongChannelIsDroppedAlone) {
  Peer& peer = play(1);
  take_over(peer);
  const Bytes rekey(34, 1), check(23, 2);
  Bytes rekey_message = rekey, check_message = check;
  rekey_message[0] = 0x0E;
  check_message[0] = 0x0C;
  const Bytes input(19, 0x81);
  send(peer, {.channel = 1, .body = reliable_body(0, {input, typed(numbered(0))})});
  send(peer, {.channel = 2, .body = reliable_body(0, {rekey_message, check_message, typed(numbered(1))})});
  run(10 * millisecond);
  EXPECT_EQ(drops(Drop::unknown_message), 1U);
  EXPECT_EQ(drops(Drop::unexpected_message), 2U);
  const auto game_messages = collect();
  EXPECT_EQ(numbers(game_messages, Channel::reliable_ordered), std::vector<std::uint32_t>{0});
  EXPECT_EQ(numbers(game_messages, Channel::reliable_unordered), std::vector<std::uint32_t>{1});
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  send(peer, {.body = rekey_message});  // its first byte is a length that is too small for the rest
  send(peer, {.channel = 1, .body = reliable_body(2, {{0x06, 1}})});
  EXPECT_TRUE(ended(peer)) << "Disconnect is taken on every channel";
}

TEST_F(ReliableTest, DuplicatesAreAckedAndIdsBeyondTheWindowAreNot) {
  Peer& peer = play(1);
  take_over(peer);
  run(200 * millisecond);
  const auto acks_of = [&](const Forge& datagram) {
    const std::uint64_t before = received;
    send(peer, datagram);
    run(60 * millisecond);
    return received - before;
  };
  EXPECT_EQ(acks_of({.channel = 1, .body = reliable_body(0, {typed(numbered(0))})}), 1U);
  EXPECT_EQ(acks_of({.channel = 1, .body = reliable_body(0, {typed(numbered(0))})}), 1U);
  EXPECT_EQ(acks_of({.channel = 1, .body = reliable_body(1 + 1'023, {typed(numbered(2))})}), 1U);
  EXPECT_EQ(acks_of({.channel = 1, .body = reliable_body(1 + 1'024, {typed(numbered(3))})}), 0U);
  EXPECT_EQ(drops(Drop::reliable_no_room), 1U);
  EXPECT_EQ(collect().size(), 1U);
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  expect_balanced();
}

TEST_F(ReliableTest, ABurstOfReliableDatagramsIsAckedOnce) {
  Peer& peer = play(1);
  take_over(peer);
  run(200 * millisecond);
  const std::uint64_t before = received;
  for (std::uint16_t id = 0; id < 40; ++id)
    send(peer, {.channel = 1, .body = reliable_body(id, {typed(numbered(id))})});
  step();
  step();
  EXPECT_EQ(received, before + 1) << "at once, and not once for each";
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 10; ++i) step_and_collect(game_messages);
  EXPECT_EQ(numbers(game_messages, Channel::reliable_ordered), counted(40));
}

/// Others play on beside a client that acknowledges nothing; it is cut off after ten timeouts.
TEST_F(ReliableTest, AClientThatNeverAcksIsDisconnected) {
  Peer& mute = play(1);
  Peer& fair = play(2);
  take_over(mute);
  for (int i = 0; i < 10; ++i) post(mute, Channel::reliable_ordered, typed(numbered(0)), link::message_flag::immediate);
  std::uint32_t told = 0;
  Nanos cut_at = 0;
  const Nanos began = now;
  for (int i = 0; i < 40'000; ++i) {
    if (i % 1'000 == 0) {
      if (cut_at == 0)
        send(mute, {.body = body_with([](base::ByteWriter& out) { message::encode(out, message::Pong{}); })});
      post(fair, Channel::reliable_ordered, typed(numbered(told++)));
    }
    step();
    discard_rows();
    if (cut_at == 0 && lane.counters().timed_out.value() != 0) cut_at = now;
  }
  EXPECT_GE(lane.counters().retransmission_timeouts.value(), 10U);
  EXPECT_GT(cut_at, began + 10 * second);
  EXPECT_LT(cut_at, began + 35 * second);
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  EXPECT_EQ(fair.session.state(), peer::State::playing) << fair.session.end_text();
  EXPECT_EQ(numbers(fair.inbox, Channel::reliable_ordered), counted(told));
}

/// One client takes what memory it can get: messages behind a missing one, and the first fragments of long ones.
TEST_F(ReliableTest, OneClientWithFullBuffersDoesNotStarveOthers) {
  Peer& greedy = play(1);
  Peer& fair = play(2);
  take_over(greedy);
  std::uint16_t fragment_id = 0;
  const auto fragment = [&](std::uint8_t channel, std::uint16_t id) {
    Bytes body(wire::body_bytes_max);
    base::ByteWriter out{body};
    if (channel != 0) out.write(id);
    out.write(++fragment_id);
    out.write(std::uint16_t{0});
    out.write(std::uint32_t{channel::message_bytes_max});
    out.write_zeros(800);
    body.resize(out.size());
    return Forge{.flags = sealed | wire::flag::fragment, .channel = channel, .body = body};
  };
  send(greedy, fragment(1, 900));
  send(greedy, fragment(2, 900));
  for (int i = 0; i < 6; ++i) send(greedy, fragment(0, 0));
  for (std::uint16_t id = 1; id < 400; ++id) {
    send(greedy, {.channel = 1, .body = reliable_body(id, {typed(numbered(id, 900))})});
    step();
    discard_rows();
  }
  run(200 * millisecond);
  EXPECT_LE(lane.counters().waiting_chunks.value(), channel::Reliable::waiting_chunks_max);
  EXPECT_LE(lane.counters().fragment_bytes.value(), 4U * channel::message_bytes_max);
  EXPECT_GT(drops(Drop::reliable_no_room), 0U);

  std::vector<GameMessage> game_messages;
  for (std::uint32_t i = 0; i < 30; ++i) {
    const std::size_t bytes = i % 3 == 0 ? 8'000 : 100;
    for (int waited = 0; waited < 2'000 && fair.session.send_message(Channel::reliable_ordered, own, numbered(i, bytes),
                                                                     Urgency::immediate, now) != Queued::yes;
         ++waited)
      step_and_collect(game_messages);
  }
  for (int i = 0; i < 2'000; ++i) step_and_collect(game_messages);
  EXPECT_EQ(numbers(game_messages, Channel::reliable_ordered), counted(30));
  EXPECT_EQ(fair.session.state(), peer::State::playing) << fair.session.end_text();
  for (int i = 0; i < 60'000; ++i) step_and_collect(game_messages);
  EXPECT_EQ(lane.counters().sessions.value(), 1U) << "a session that makes no progress ends";
  EXPECT_EQ(lane.counters().fragment_bytes.value(), 0U);
}

/// Others hold the lane's memory, or another long message is on its way: no fault of the session.
TEST_F(ReliableTest, AMessageWithoutMemoryIsDroppedAndTheSessionGoesOn) {
  Peer& peer = play(1);
  run(200 * millisecond);
  const Bytes longest = typed(numbered(1, link::out_body_bytes_max - 1));
  ASSERT_GT(longest.size(), channel::Reliable::whole_message_bytes_max);
  peer.deaf = true;
  post(peer, Channel::reliable_ordered, longest);
  post(peer, Channel::reliable_ordered, longest);
  run(100 * millisecond);
  EXPECT_EQ(drops(Drop::send_queue_full), 1U) << "one long message at a time";
  peer.deaf = false;
  run(2 * second);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  EXPECT_EQ(peer.inbox.size(), 1U);
}

TEST_F(ReliableTest, AFullQueueDropsOnlyMessagesThatMayBeDropped) {
  Peer& peer = play(1);
  take_over(peer);
  for (int i = 0; i < 100; ++i) {
    post(peer, Channel::reliable_ordered, typed(numbered(0)), link::message_flag::may_drop);
    step();
  }
  const std::uint64_t left_out = drops(Drop::send_queue_full);
  EXPECT_EQ(left_out, 100U - channel::Reliable::unacked_messages_max / 2);
  for (unsigned i = 0; i < channel::Reliable::unacked_messages_max / 2; ++i)
    post(peer, Channel::reliable_ordered, typed(numbered(0)));
  run(10 * millisecond);
  EXPECT_EQ(drops(Drop::send_queue_full), left_out);
  post(peer, Channel::reliable_ordered, typed(numbered(0)));
  run(10 * millisecond);
  EXPECT_EQ(drops(Drop::send_queue_full), left_out + 1);
  EXPECT_TRUE(ended(peer)) << "what must not be missed ends the session";
}

/// With the rates that a server has unless it is told otherwise.
class ReliableRates : public ReliableTest {
 protected:
  ReliableRates() : ReliableTest(default_config()) {}
};

/// Chat. A session may say two lines a second, and eight at once.
const Bytes line{0xC5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'a'};

TEST_F(ReliableRates, ChatAboveItsRateIsDroppedAndHoldsNothingUp) {
  Peer& peer = play(1);
  take_over(peer);
  for (const auto channel : {std::uint8_t{1}, std::uint8_t{2}}) {
    const std::uint64_t dropped = drops(Drop::message_rate);
    std::vector<Bytes> messages(20, line);
    messages.push_back(typed(numbered(7)));
    send(peer, {.channel = channel, .body = reliable_body(0, messages)});
    run(50 * millisecond);
    const std::vector<GameMessage> game_messages = collect();
    ASSERT_EQ(game_messages.size(), 9U);
    EXPECT_EQ(game_messages.back().message, typed(numbered(7))) << "in the same moment";
    EXPECT_EQ(drops(Drop::message_rate), dropped + 12);
    send(peer, {.channel = channel, .body = reliable_body(0, messages)});
    run(second);
    EXPECT_TRUE(collect().empty()) << "what was dropped is known";
    EXPECT_EQ(drops(Drop::message_rate), dropped + 12);
    send(peer, {.channel = channel, .body = reliable_body(21, std::vector<Bytes>(3, line))});
    run(50 * millisecond);
    EXPECT_EQ(collect().size(), 2U) << "two a second";
    run(10 * second);
  }
  EXPECT_EQ(drops(Drop::reliable_no_room), 0U) << "all was acked";
  expect_balanced();
}

/// A line that finds no room is not acked, and comes again: its rate pays for it when it is taken, and once.
TEST_F(ReliableRates, ALineThatFindsNoRoomIsPaidForOnce) {
  Peer& peer = play(1);
  take_over(peer);
  Bytes long_line = line;
  long_line.resize(400, 'a');
  std::vector<GameMessage> game_messages;
  const auto lines = [&] {
    return std::count_if(game_messages.begin(), game_messages.end(),
                         [&](const GameMessage& one) { return one.message == long_line; });
  };
  const auto pause = [&] {  // a session may not send a datagram a step
    for (int i = 0; i < 20; ++i) {
      step();
      discard_rows();
    }
  };
  const auto say = [&](std::uint8_t channel, std::uint16_t id, int times) {
    for (int i = 0; i < times; ++i) {
      send(peer, {.channel = channel, .body = reliable_body(id, {long_line})});
      pause();
    }
  };
  std::uint16_t ids_used = 0;
  const auto fill = [&](std::uint8_t channel, std::uint16_t id) {
    const std::uint64_t before = drops(Drop::reliable_no_room);
    while (drops(Drop::reliable_no_room) == before) {
      ASSERT_LT(id, 1'000);
      send(peer, {.channel = channel, .body = reliable_body(id++, {typed(numbered(0, 8))})});
      pause();
    }
    ids_used = static_cast<std::uint16_t>(id - 1);
  };
  // On channel 1 all waits behind message 0 until its share is full; on channel 2 what the shard has not read leaves no
  // room for more.
  for (const auto channel : {std::uint8_t{1}, std::uint8_t{2}}) {
    SCOPED_TRACE(testing::Message() << "channel " << unsigned{channel});
    fill(channel, channel == 1 ? 1 : 0);
    if (HasFatalFailure()) return;
    const std::uint64_t refused = drops(Drop::reliable_no_room);
    say(channel, ids_used, 20);
    EXPECT_EQ(drops(Drop::reliable_no_room), refused + 20);
    if (channel == 1) send(peer, {.channel = 1, .body = reliable_body(0, {typed(numbered(0, 8))})});
    for (int i = 0; i < 2'000; ++i) step_and_collect(game_messages);
    game_messages.clear();
    for (std::uint16_t i = 0; i < 8; ++i) say(channel, static_cast<std::uint16_t>(ids_used + i), 1);
    for (int i = 0; i < 100; ++i) step_and_collect(game_messages);
    EXPECT_EQ(lines(), 8);
    EXPECT_EQ(drops(Drop::message_rate), 0U);
    for (int i = 0; i < 10'000; ++i) step_and_collect(game_messages);
  }
}

/// A command in the client's name that came faster than it may ask: not lost, because its answer is waited for.
TEST_F(ReliableRates, QuestionsAboveTheirRateWaitInOrder) {
  Peer& peer = play(1);
  take_over(peer);
  const Bytes action{0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  for (std::uint16_t id = 0; id < 60; id += 20)
    send(peer, {.channel = 1, .body = reliable_body(id, std::vector<Bytes>(20, action))});
  send(peer, {.channel = 1, .body = reliable_body(60, {typed(numbered(7))})});
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 400; ++i) step_and_collect(game_messages);
  EXPECT_GE(game_messages.size(), 40U);
  EXPECT_LT(game_messages.size(), 60U);
  for (int i = 0; i < 1'000; ++i) step_and_collect(game_messages);
  ASSERT_EQ(game_messages.size(), 61U);
  EXPECT_EQ(game_messages.back().message, typed(numbered(7)));
  EXPECT_EQ(drops(Drop::message_rate), 0U);
}

/// Messages wait while the answers to them would find no room. Who spoke slowly meanwhile is not taken for a flooder
/// when they are all handed on at once.
TEST_F(ReliableRates, MessagesThatWaitedForRoomAreNotRateLimited) {
  Peer& peer = play(1);
  run(200 * millisecond);
  peer.deaf = true;
  for (unsigned i = 0; i < 60; ++i) {
    post(peer, Channel::reliable_ordered, typed(numbered(i)), link::message_flag::immediate);
    step();
  }
  unsigned spoken = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (i % 500 == 0) {
      ASSERT_EQ(peer.session.send_message(Channel::reliable_ordered, Type::chat, std::span{line}.subspan(1),
                                          Urgency::immediate, now),
                Queued::yes);
      ++spoken;
    }
    step();
    discard_rows();
  }
  EXPECT_TRUE(collect().empty()) << "not what this is about";
  peer.deaf = false;
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 10'000; ++i) step_and_collect(game_messages);
  EXPECT_EQ(game_messages.size(), spoken);
  EXPECT_EQ(drops(Drop::message_rate), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

/// Of what a client asks at once the shard is handed as much as may be answered four times over, whatever else is said
/// to the client meanwhile.
TEST_F(ReliableTest, NoMoreIsAskedThanCanBeAnswered) {
  Peer& peer = play(1);
  take_over(peer);
  send(peer, {.channel = 1, .body = reliable_body(0, std::vector<Bytes>(31, typed(numbered(0, 8))))});
  run(300 * millisecond);
  std::vector<link::GameMessage> unread(31);
  unread.resize(link.game_messages.pop(unread.data(), 31));
  ASSERT_GT(unread.size(), 10U);
  for (int i = 0; i < 40; ++i) {
    post(peer, Channel::reliable_ordered, typed(numbered(0)), link::message_flag::may_drop);
    step();
  }
  for (const link::GameMessage& question : unread) {
    for (unsigned answers = 0; answers < link::GameMessage::answers_max; ++answers)
      post(peer, Channel::reliable_ordered, typed(numbered(0)));
    ASSERT_TRUE(link.filled.push(question.back()));
    step();
  }
  EXPECT_GT(drops(Drop::send_queue_full), 30U) << "what nobody asked for was left out";
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  EXPECT_FALSE(ended(peer));
}

/// The shard's ring of session events is full of others' joins and leaves. That holds up sessions that have not joined,
/// and no others.
TEST_F(ReliableTest, OnlyMessagesOfASessionWithoutJoinWaitForIt) {
  Peer& playing = play(1);
  run(200 * millisecond);
  while (link.session_events.push(link::SessionEvent::Leave{})) {
  }
  Peer& joining = connect(2);
  run(200 * millisecond);
  take_over(joining);
  send(joining, {.channel = 1, .body = reliable_body(0, {typed(numbered(2))})});
  ASSERT_EQ(playing.session.send_message(Channel::reliable_ordered, own, numbered(1), Urgency::immediate, now),
            Queued::yes);
  run(100 * millisecond);
  EXPECT_EQ(numbers(collect(), Channel::reliable_ordered), std::vector<std::uint32_t>{1});
  link::SessionEvent command;
  while (link.session_events.pop(&command, 1) == 1) {
  }
  run(200 * millisecond);
  EXPECT_EQ(numbers(collect(), Channel::reliable_ordered), std::vector<std::uint32_t>{2});
  ASSERT_EQ(link.session_events.pop(&command, 1), 1U);
  EXPECT_EQ(command.kind(), link::SessionEvent::Kind::join);
}

}  // namespace
}  // namespace serried::io
