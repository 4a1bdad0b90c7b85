#include "tools/attack/forge.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "frames.h"
#include "message/control.h"
#include "metrics/drop.h"
#include "tools/attack/target.h"
#include "wire/parse.h"

namespace serried {
namespace {

using metrics::Drop;
using tools::AttackKind;

constexpr std::uint64_t protocol_id = 0x1122334455667788;

class AttackForge : public testing::Test {
 protected:
  AttackForge() { samples.add_frame(make_frame(player, server, overheard)); }

  /// What the first two stages of a server make of it.
  Drop judge(std::span<const std::uint8_t> datagram) {
    wire::Batch batch;
    batch.clear();
    std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());
    batch.append(copy.data(), copy.size(), nullptr, player);
    metrics::DropCounters drops;
    wire::parse(batch, drops);
    wire::verify(batch, wire::CrcSeed(protocol_id), drops);
    return batch.verdict[0];
  }

  const port::LocalAddress sources = port::parse_local_address("198.18.0.0/15").value();
  const std::vector<std::uint8_t> overheard = make_sealed(0x01020304, 500, 80, protocol_id);
  tools::Samples samples{server, sources, 16};
  tools::Forge forge{{protocol_id, 3, sources}, samples};
  std::array<std::uint8_t, tools::attack_bytes_max> bytes{};
  tools::Shot shot;
};

TEST_F(AttackForge, EachKindGetsAsFarAsItShall) {
  const std::map<AttackKind, std::set<Drop>> wanted = {
      {AttackKind::garbage, {Drop::short_datagram, Drop::bad_flags, Drop::bad_channel, Drop::bad_crc}},
      {AttackKind::too_short, {Drop::short_datagram}},
      {AttackKind::too_long, {Drop::long_datagram}},
      {AttackKind::bad_crc, {Drop::bad_crc}},
      {AttackKind::connect, {Drop::none}},
      {AttackKind::connect_cookie, {Drop::none}},
      {AttackKind::unknown_session, {Drop::none}},
      {AttackKind::replay, {Drop::none}},
      {AttackKind::bad_tag, {Drop::none}},
      {AttackKind::spoofed, {Drop::none}},
  };
  for (std::size_t i = 0; i < tools::attack_kinds; ++i)
    ASSERT_NE(wanted.contains(static_cast<AttackKind>(i)), tools::needs_frame(static_cast<AttackKind>(i))) << i;
  for (const auto& [kind, verdicts] : wanted)
    for (int i = 0; i < 1'000; ++i) {
      ASSERT_TRUE(forge.make(kind, bytes.data(), shot));
      ASSERT_EQ(shot.kind, kind);
      ASSERT_GE(shot.bytes, 1);
      ASSERT_LE(shot.bytes, bytes.size());
      const Drop verdict = judge({bytes.data(), shot.bytes});
      ASSERT_TRUE(verdicts.contains(verdict)) << tools::kind_name(kind) << ": " << metrics::drop_name(verdict);
    }
}

TEST_F(AttackForge, SourcesAreStrangersOrPlayers) {
  for (std::size_t i = 0; i < tools::attack_kinds; ++i) {
    const auto kind = static_cast<AttackKind>(i);
    int in_players_name = 0;
    for (int k = 0; k < 200; ++k) {
      ASSERT_TRUE(forge.make(kind, bytes.data(), shot));
      if (wire::same_endpoint(shot.from, player)) {
        ++in_players_name;
        continue;
      }
      EXPECT_TRUE(tools::contains(sources, shot.from.address));
      EXPECT_EQ(tools::kind_of_port(shot.from.port), kind);
    }
    if (kind == AttackKind::spoofed)
      EXPECT_EQ(in_players_name, 200);
    else if (kind == AttackKind::replay)
      EXPECT_TRUE(in_players_name > 50 && in_players_name < 150) << in_players_name;
    else
      EXPECT_EQ(in_players_name, 0) << tools::kind_name(kind);
  }
}

TEST_F(AttackForge, CopiesAreExactAndForgeriesAreNew) {
  ASSERT_TRUE(forge.make(AttackKind::replay, bytes.data(), shot));
  EXPECT_EQ(std::vector(bytes.begin(), bytes.begin() + shot.bytes), overheard);
  for (const AttackKind kind : {AttackKind::bad_tag, AttackKind::spoofed}) {
    ASSERT_TRUE(forge.make(kind, bytes.data(), shot));
    const wire::Header header = wire::read_header(bytes.data());
    EXPECT_EQ(header.connection_id, 0x01020304U);
    EXPECT_GT(header.sequence, 500U + 192U) << "or the replay window would refuse it first";
  }
}

TEST_F(AttackForge, ConnectsAreWhole) {
  for (const bool cookie : {false, true}) {
    ASSERT_TRUE(forge.make(cookie ? AttackKind::connect_cookie : AttackKind::connect, bytes.data(), shot));
    ASSERT_EQ(shot.bytes, 1'200);
    base::ByteReader body{{bytes.data() + wire::header_bytes, 1'200 - wire::header_bytes - wire::crc_bytes}};
    message::Framed framed;
    message::Connect connect;
    ASSERT_TRUE(message::next(body, framed));
    ASSERT_EQ(framed.type, message::Type::connect);
    ASSERT_TRUE(message::decode(framed.content, connect));
    EXPECT_EQ(body.remaining(), 0U);
    EXPECT_EQ(connect.cookie != (std::array<std::uint8_t, 48>{}), cookie);
  }
}

TEST(AttackForgeAlone, WithoutSamplesSomeKindsCannotBeMade) {
  const auto sources = port::parse_local_address("198.18.0.0/15").value();
  tools::Samples none(server, sources, 16);
  tools::Forge forge({protocol_id, 3, sources}, none);
  std::array<std::uint8_t, tools::attack_bytes_max> bytes;
  tools::Shot shot;
  for (std::size_t i = 0; i < tools::attack_kinds; ++i) {
    const auto kind = static_cast<AttackKind>(i);
    EXPECT_EQ(forge.make(kind, bytes.data(), shot), !tools::needs_sample(kind));
  }
}

}  // namespace
}  // namespace serried
