/// Reasons for drops that need a story of their own: what reliable channels, new keys, moving sessions and the abuse
/// guard refuse, and what cannot leave. Each happens alone. Those that one crafted datagram meets stand in
/// io_lane_test.cpp.
#include <ostream>
#include <set>

#include "io/fixture.h"
#include "message/type.h"

namespace serried::io {
namespace {

using message::Type;
using metrics::Drop;
using wire::Channel;
using wire::flag::sealed;
using Bytes = std::vector<std::uint8_t>;

class DropsTest;

struct DropCase {
  Drop reason;
  std::uint64_t times;  ///< 0: at least once
  void (*act)(DropsTest&);
  void (*before)(DropsTest&) = nullptr;  ///< what may move counters
  void (*prepare)(IoConfig&) = nullptr;
};
std::ostream& operator<<(std::ostream& out, const DropCase& c) { return out << metrics::drop_name(c.reason); }

class DropsTest : public LaneTest, public testing::WithParamInterface<DropCase> {
 public:
  DropsTest() : LaneTest(config_for(GetParam())) {}
  static IoConfig config_for(const DropCase& c) {
    IoConfig config = default_config();
    if (c.prepare != nullptr) c.prepare(config);
    return config;
  }

  using LaneTest::add_peer, LaneTest::body_with, LaneTest::claims_for, LaneTest::drops, LaneTest::elsewhere,
      LaneTest::expect_balanced, LaneTest::forge, LaneTest::lane, LaneTest::now, LaneTest::play, LaneTest::post,
      LaneTest::prepare, LaneTest::publish, LaneTest::reliable_body, LaneTest::run, LaneTest::send, LaneTest::send_raw,
      LaneTest::take_over;

  Peer& player() { return *peers[0]; }
  void reliable(unsigned channel, std::uint16_t first_id, const std::vector<Bytes>& messages) {
    send(player(), {.channel = static_cast<std::uint8_t>(channel), .body = reliable_body(first_id, messages)});
  }
  /// `count` bodies of channel 0, each of one message.
  void plain(unsigned count, const Bytes& message) {
    for (unsigned i = 0; i < count; ++i)
      send(player(), {.body = body_with([&](base::ByteWriter& out) {
                        out.write_varint(message.size());
                        out.write_bytes(message);
                      })});
  }
  /// An ack of what was never sent.
  void lie() {
    send(player(), {.flags = sealed | wire::flag::acknowledgment, .body = Bytes{0x7F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}});
  }
  /// More messages than may wait unacked if others are to find room: the player acks none.
  void crowd(unsigned messages, std::uint8_t flags) {
    for (unsigned i = 0; i < messages; ++i) {
      post(player(), Channel::reliable_ordered, Bytes{0xD0, 1}, flags);
      run(millisecond);
    }
  }
  /// The first Connect of a newcomer, so often at once.
  void knock(unsigned times, port::LoopPort* host = nullptr) {
    Peer& peer = add_peer(claims_for(9));
    peer.mute = true;
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    const std::size_t size = peer.session.send(bytes, now);
    for (unsigned i = 0; i < times; ++i) send_raw({bytes.data(), size}, peer.port, host);
  }
  /// Authentic datagrams from another port, in one burst.
  void roam(unsigned count) {
    for (unsigned i = 0; i < count; ++i) send(player(), {.from = 20'500});
    lane.poll(now);
  }
};

const Bytes own_message{0xD0, 1, 2, 3};
const Bytes chat{0xC5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'a'};

constexpr auto lie = [](DropsTest& t) {
  t.lie();
  t.run(10 * millisecond);
};

const DropCase drop_cases[] = {
    {Drop::bad_ack, 1, [](DropsTest& t) { t.lie(); }},
    {Drop::session_ending, 1, [](DropsTest& t) { t.send(t.player(), {}); }, lie},
    {Drop::session_gone, 1, [](DropsTest& t) { t.publish(t.player(), 5); },
     [](DropsTest& t) {
       t.lie();
       t.run(500 * millisecond);
     }},

    // Reliable channels
    {Drop::reliable_closed, 1, [](DropsTest& t) { t.reliable(1, 0, {own_message}); },
     [](DropsTest& t) { EXPECT_FALSE(t.player().session.messages_open()); }},
    {Drop::reliable_no_room, 2,
     [](DropsTest& t) {
       t.reliable(1, 1'024, {own_message});
       t.reliable(2, 1'024, {own_message});
     }},
    {Drop::bad_reliable, 1, [](DropsTest& t) { t.reliable(1, 0, {}); }},
    {Drop::bad_reliable, 1,
     [](DropsTest& t) {
       t.send(t.player(), {.flags = sealed | wire::flag::fragment, .channel = 2, .body = Bytes(12)});
     }},
    {Drop::bad_fragment, 1,
     [](DropsTest& t) { t.send(t.player(), {.flags = sealed | wire::flag::fragment, .body = Bytes(12)}); }},
    {Drop::bad_packed, 1,
     [](DropsTest& t) {
       t.send(t.player(), {.flags = sealed | wire::flag::compressed, .channel = 1, .body = Bytes(30, 0x55)});
     }},
    {Drop::fragments_expired, 1,
     [](DropsTest& t) {
       t.send(t.player(), {.flags = sealed | wire::flag::fragment, .body = t.body_with([](base::ByteWriter& out) {
                             channel::write_fragment_header(out, {1, 0, 100});
                             out.write_zeros(8);
                           })});
       t.run(channel::Reliable::fragment_lifetime + 200 * millisecond);
     }},
    {Drop::fragments_given_up, 1,
     [](DropsTest& t) {
       t.send(t.player(),
              {.flags = sealed | wire::flag::fragment, .channel = 2, .body = t.body_with([](base::ByteWriter& out) {
                 out.write(std::uint16_t{0});
                 channel::write_fragment_header(out, {1, 0, 100});
                 out.write_zeros(8);
               })});
       for (int i = 0; i < 29; ++i) {
         t.run(second);
         t.send(t.player(), {});  // a sign of life
       }
       t.run(1'300 * millisecond);
     }},
    {Drop::message_rate, 2, [](DropsTest& t) { t.plain(10, chat); }},
    {Drop::shard_messages_full, 1, [](DropsTest& t) { t.plain(1, own_message); },
     [](DropsTest& t) { t.crowd(channel::Reliable::unacked_messages_max - link::GameMessage::answers_max, 0); }},
    {Drop::send_queue_full, 1, [](DropsTest& t) { t.crowd(1, link::message_flag::may_drop); },
     [](DropsTest& t) { t.crowd(channel::Reliable::unacked_messages_max / 2, 0); }},
    {Drop::send_queue_full, 1, [](DropsTest& t) { t.crowd(1, 0); },
     [](DropsTest& t) { t.crowd(channel::Reliable::unacked_messages_max, 0); }},
    {Drop::unexpected_message, 1,
     [](DropsTest& t) {
       t.plain(1, Bytes{0xC4, 5, 1, 0, 'a'});
     }},

    // New keys, integrity: answers that were not asked for
    {Drop::unexpected_message, 1,
     [](DropsTest& t) {
       Bytes response(2 + 32, 7);
       response[0] = static_cast<std::uint8_t>(Type::rekey_response);
       t.reliable(1, 0, {response});
     }},
    {Drop::unexpected_message, 1,
     [](DropsTest& t) {
       Bytes response(2 + 32, 7);
       response[0] = static_cast<std::uint8_t>(Type::rekey_response);
       t.reliable(2, 0, {response});
     }},
    {Drop::unexpected_message, 1,
     [](DropsTest& t) {
       Bytes answer(1 + 4 + 2 + 16, 7);
       answer[0] = static_cast<std::uint8_t>(Type::check_integrity);
       t.reliable(1, 0, {answer});
     }},
    {Drop::bad_message, 1,
     [](DropsTest& t) {
       t.reliable(1, 0, {Bytes{static_cast<std::uint8_t>(Type::rekey_response), 1}});
     }},
    {Drop::bad_message, 1,
     [](DropsTest& t) {
       t.reliable(1, 0, {Bytes{static_cast<std::uint8_t>(Type::check_integrity), 1}});
     }},
    {Drop::unknown_message, 1,
     [](DropsTest& t) {
       t.reliable(1, 0, {Bytes{0x81, 1}});
     }},

    // Roaming, rates
    {Drop::foreign_source, 0, [](DropsTest& t) { t.roam(60); }},
    {Drop::session_rate, 0,
     [](DropsTest& t) {
       for (int i = 0; i < 100; ++i) t.send(t.player(), {});
     }},

    // The abuse guard
    {Drop::banned, 1, [](DropsTest& t) { t.knock(1, t.elsewhere.get()); },
     [](DropsTest& t) {
       t.send_raw(Bytes(20, 0x55), 20'900, t.elsewhere.get());
       t.run(10 * millisecond);
       EXPECT_EQ(t.drops(Drop::bad_flags), 1U);
     },
     [](IoConfig& config) { config.abuse_guard.ban_score = 1; }},
    {Drop::address_rate, 3, [](DropsTest& t) { t.knock(5, t.elsewhere.get()); }, nullptr,
     [](IoConfig& config) { config.abuse_guard.address_per_s = 1; }},
    {Drop::prefix_rate, 3, [](DropsTest& t) { t.knock(5); }, [](DropsTest& t) { t.run(5 * second); },
     [](IoConfig& config) { config.abuse_guard.prefix_per_s = 1; }},
    {Drop::attempts_full, 0, [](DropsTest& t) { t.add_peer(t.claims_for(2)); }, nullptr,
     [](IoConfig& config) { config.attempts_max = 1; }},
};

TEST_P(DropsTest, MovesItsCounterAlone) {
  const DropCase& c = GetParam();
  if (c.reason == Drop::reliable_closed) prepare = [](peer::SessionOptions& options) { options.pools = nullptr; };
  play(1);
  run(200 * millisecond);
  take_over(player());
  send(player(), {});  // moves the window to the forged sequences
  run(50 * millisecond);
  if (c.before != nullptr) c.before(*this);
  std::array<std::uint64_t, metrics::drop_count> before;
  for (std::size_t i = 0; i < metrics::drop_count; ++i) before[i] = drops(static_cast<Drop>(i));
  c.act(*this);
  run(20 * millisecond);
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto drop = static_cast<Drop>(i);
    const std::uint64_t moved = drops(drop) - before[i];
    if (drop == c.reason && c.times == 0)
      EXPECT_GT(moved, 0U);
    else
      EXPECT_EQ(moved, drop == c.reason ? c.times : 0U) << metrics::drop_name(drop);
  }
  collect();
  run(20 * millisecond);
  expect_balanced();
}

INSTANTIATE_TEST_SUITE_P(All, DropsTest, testing::ValuesIn(drop_cases), [](const auto& test) {
  return std::string(metrics::drop_name(test.param.reason)) + "_" + std::to_string(test.index);
});

/// A reason that is new belongs into a table of tests. Where those stand that are not of this one:
TEST(Drops, EveryReasonIsTestedAlone) {
  std::set<Drop> tested;
  for (const DropCase& c : drop_cases) tested.insert(c.reason);
  for (const Drop drop : {
           // io_lane_test.cpp
           Drop::short_datagram,
           Drop::long_datagram,
           Drop::bad_flags,
           Drop::bad_channel,
           Drop::bad_crc,
           Drop::bad_connect,
           Drop::unknown_session,
           Drop::bad_tag,
           Drop::replay_old,
           Drop::replay_seen,
           Drop::bad_framing,
           // connect_test.cpp
           Drop::cookie_budget,
           Drop::attempt_known,
           Drop::handshake_ring_full,
           Drop::confirm_deferred,
           // handover_test.cpp
           Drop::handover_ring_full,
           // dispatch_test.cpp, rings_test.cpp, slice_test.cpp, game_messages_test.cpp
           Drop::shard_ring_full,
           Drop::stale_input,
           Drop::shard_unknown_viewer,
           Drop::input_queue_full,
           Drop::no_buffer,
           Drop::window_full,
           Drop::filled_ring_full,
           Drop::broadcast_overflow,
           // tests/peer/session_receive_test.cpp
           Drop::clear_datagram,
           // tests/port
           Drop::foreign_frame,
           Drop::bad_frame,
           Drop::bad_ip_checksum,
           Drop::ip_fragment,
           Drop::foreign_address,
           Drop::foreign_port,
           Drop::bad_udp_checksum,
           Drop::nic_missed,
           Drop::transmit_full,
           Drop::no_next_hop,
           // tests/live/filter_test.py
           Drop::filter_banned,
           Drop::filter_rate,
           Drop::filter_malformed,
       })
    EXPECT_TRUE(tested.insert(drop).second) << metrics::drop_name(drop) << " stands in two places";
  for (std::size_t i = 0; i < metrics::drop_count; ++i)
    EXPECT_TRUE(tested.contains(static_cast<Drop>(i))) << metrics::drop_name(static_cast<Drop>(i));
}

}  // namespace
}  // namespace serried::io
