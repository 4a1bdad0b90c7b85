#include "tools/swarm/recorder.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "arena.h"
#include "base/bytes.h"
#include "channel/ack.h"
#include "channel/pack.h"
#include "scratch_file.h"

namespace serried {
namespace {

using tools::Recorder;
using Bytes = std::vector<std::uint8_t>;

struct Sample {
  unsigned direction, channel;
  Bytes bytes;
};

class RecorderFile : public testing::Test {
 protected:
  Recorder open(std::uint64_t bytes_max = 1 << 20) { return std::move(Recorder::open(file_, bytes_max)).value(); }
  std::vector<Sample> samples() {
    const Bytes bytes = scratch_.bytes();
    base::ByteReader reader(bytes);
    std::vector<Sample> found;
    while (reader.remaining() != 0) {
      const auto length = reader.read<std::uint32_t>();
      const unsigned direction = reader.read<std::uint8_t>();
      const unsigned channel = reader.read<std::uint8_t>();
      const auto body = reader.read_bytes(length);
      found.push_back({direction, channel, {body.begin(), body.end()}});
    }
    EXPECT_TRUE(reader.ok());
    return found;
  }
  test::ScratchFile scratch_;
  const std::string& file_ = scratch_.name();
};

wire::Header header(std::uint8_t flags, std::uint8_t channel = 0) {
  return {7, channel, static_cast<std::uint8_t>(wire::flag::sealed | flags), 9};
}

TEST_F(RecorderFile, HoldsWhatStandsBehindTheAckBlock) {
  Bytes acked(64);
  base::ByteWriter out(acked);
  channel::write_ack_block(out, {300, 0, 5});
  const std::size_t ack_bytes = out.size();
  out.write_bytes(Bytes{1, 2, 3});
  acked.resize(out.size());
  {
    Recorder recorder = open();
    recorder.add(Recorder::Direction::received, header(0, 2), Bytes{4, 5});
    recorder.add(Recorder::Direction::sent, header(wire::flag::acknowledgment), acked);
    recorder.add(Recorder::Direction::sent, header(wire::flag::acknowledgment), std::span(acked).first(ack_bytes));
    recorder.add(Recorder::Direction::sent, header(wire::flag::fragment, 1), Bytes{6});
    EXPECT_EQ(recorder.samples(), 2U);
    ASSERT_TRUE(static_cast<bool>(recorder.finish()));
  }
  const auto found = samples();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].direction, 0U);
  EXPECT_EQ(found[0].channel, 2U);
  EXPECT_EQ(found[0].bytes, (Bytes{4, 5}));
  EXPECT_EQ(found[1].direction, 1U);
  EXPECT_EQ(found[1].bytes, (Bytes{1, 2, 3}));
}

TEST_F(RecorderFile, PackedBodiesAreUnpacked) {
  const Bytes rest(700, 9);
  Bytes packed(700);
  channel::Packer packer;
  packed.resize(packer.pack(rest, packed, nullptr));
  ASSERT_FALSE(packed.empty());
  {
    Recorder recorder = open();
    recorder.add(Recorder::Direction::received, header(wire::flag::compressed), packed);
    packed[1] |= 0x80;  // with a dictionary that is not here
    recorder.add(Recorder::Direction::received, header(wire::flag::compressed), packed);
    ASSERT_TRUE(static_cast<bool>(recorder.finish()));
  }
  const auto found = samples();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].bytes, rest);
}

TEST_F(RecorderFile, NeverGetsLongerThanItMay) {
  {
    Recorder recorder = open(100);
    for (int i = 0; i < 20; ++i) recorder.add(Recorder::Direction::sent, header(0), Bytes(10));
    EXPECT_EQ(recorder.samples(), 6U);
    EXPECT_EQ(recorder.bytes(), 96U);
    recorder.add(Recorder::Direction::sent, header(0), {});
    ASSERT_TRUE(static_cast<bool>(recorder.finish()));
  }
  EXPECT_EQ(std::filesystem::file_size(file_), 96U);
}

TEST_F(RecorderFile, WhatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(static_cast<bool>(Recorder::open(file_ + "/missing/file", 100)));
  auto full = Recorder::open("/dev/full", 1 << 20);
  ASSERT_TRUE(static_cast<bool>(full));
  for (int i = 0; i < 100; ++i) full.value().add(Recorder::Direction::sent, header(0), Bytes(1000));
  const auto finished = full.value().finish();
  ASSERT_FALSE(static_cast<bool>(finished));
  EXPECT_NE(finished.error().message.find("/dev/full"), std::string::npos);
}

TEST_F(RecorderFile, AFleetRecordsBothDirections) {
  test::Arena arena(5, 5, test::calm(), 0.5);
  {
    Recorder recorder = open();
    arena.fleet->record_to(&recorder);
    ASSERT_TRUE(arena.run(20 * second));
    arena.fleet->record_to(nullptr);
    ASSERT_TRUE(static_cast<bool>(recorder.finish()));
  }
  unsigned updates = 0, inputs = 0;
  for (const Sample& sample : samples()) {
    base::ByteReader body(sample.bytes);
    for (message::Framed framed; message::next(body, framed);) {
      updates += sample.direction == 0 && framed.type == message::Type::delta_sync ? 1 : 0;
      inputs += sample.direction == 1 && framed.type == message::Type::sync_entity_quantized ? 1 : 0;
    }
    EXPECT_TRUE(body.complete()) << "the plaintext, and nothing before it";
  }
  EXPECT_GT(updates, 100U);
  EXPECT_GT(inputs, 100U);
}

}  // namespace
}  // namespace serried
