/// What a hostile or broken server can do to a client. The first byte chooses: a datagram as it comes off the wire (its
/// CRC is made right, so that the input gets past it) at one of three states, or bodies of authentic datagrams, one
/// behind the other, on any channel and in any form: messages, fragments, packed, requests for new keys.

#include <cstdlib>

#include "../peer/mini_server.h"
#include "peer/session.h"

using namespace serried;  // NOLINT: a program's own file

namespace {

constexpr Nanos start_time = 1000 * second;

/// A session at one of the states where bytes are believed in differently, with the memory that it borrows. Always the
/// same, whatever came before.
struct Stage {
  test::MiniServer server{1};
  test::SeededEntropy random{2};
  channel::Pools pools{256, 4, 1};
  peer::Session session;
  Nanos now = start_time;

  explicit Stage(peer::State wanted) {
    peer::SessionOptions options;
    crypt::Secret secret;
    const test::Bytes token = server.token(42, secret);
    options.server = test::path_of(4000);
    options.protocol_id = test::MiniServer::protocol_id;
    options.server_id = test::MiniServer::server_id;
    options.token = token;
    options.token_secret = secret;
    options.entropy = random.entropy();
    options.pools = &pools;
    if (!session.start(options, start_time)) std::abort();
    const auto there = [&] {
      return session.state() == wanted && (wanted != peer::State::playing || session.messages_open());
    };
    for (int i = 0; i < 100 && !there(); ++i, now += 10 * millisecond) {
      test::Bytes buffer(wire::datagram_bytes_max);
      while (const std::size_t bytes = session.send(buffer, now))
        server.receive({buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(bytes)}, test::path_of(5000), now);
      server.tick(now);
      metrics::DropCounters drops;
      for (auto& sent : server.outbox) session.receive(sent.bytes, test::path_of(4000), now, drops);
      server.outbox.clear();
    }
    if (!there()) std::abort();
    session.submit({});
  }
};

void drain(peer::Session& session, Nanos now) {
  test::Bytes buffer(wire::datagram_bytes_max);
  for (int i = 0; i < 8 && session.send(buffer, now) != 0; ++i) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = crypt::initialise();
  if (!ready) std::abort();
  if (size < 1 || size > 4000) return 0;
  const std::uint8_t choice = data[0] & 3;
  test::Bytes bytes(data + 1, data + size);
  metrics::DropCounters drops;
  if (choice != 3) {
    constexpr peer::State states[] = {peer::State::connecting, peer::State::challenged, peer::State::playing};
    Stage stage(states[choice]);
    peer::Session& session = stage.session;
    const peer::State before = session.state();
    if (bytes.size() >= wire::datagram_bytes_min && bytes.size() <= wire::datagram_bytes_max)
      wire::stamp_one(bytes, stage.server.crc);
    const metrics::Drop verdict = session.receive(bytes, test::path_of(4000), stage.now, drops);
    // Nothing is sealed without the keys: what is not dropped is a clear answer that echoes us.
    if (verdict != metrics::Drop::none && session.state() != before) std::abort();
    if (choice == 2 && (verdict == metrics::Drop::none || session.state() != before)) std::abort();
    drain(session, stage.now);
    return 0;
  }
  Stage stage(peer::State::playing);
  peer::Session& session = stage.session;
  // channel u8 | flags u8 | size u16 | body, again and again
  base::ByteReader in(bytes);
  for (std::uint64_t sequence = 1000; in.remaining() >= 4; ++sequence) {
    const auto channel = static_cast<std::uint8_t>(in.read<std::uint8_t>() % wire::channel_count);
    const auto flags = static_cast<std::uint8_t>(wire::flag::sealed | (in.read<std::uint8_t>() & ~wire::flag::rekey));
    const std::size_t length =
        std::min<std::size_t>(in.read<std::uint16_t>() % (wire::body_bytes_max + 1), in.remaining());
    const wire::Header header{session.connection_id(), channel, flags, sequence};
    static_cast<void>(session.accept_opened(header, in.read_bytes(length), test::path_of(4000), stage.now, drops));
    session.view().for_each_shown(stage.now, [](const view::Tracked&, const view::Drawn&) {});
    session.view().for_each_far(
        stage.now, [&](const view::FarProxy& proxy) { static_cast<void>(session.view().position(proxy)); });
    if (session.view().tracked_count() > 2U * session.parameters().tracked_max + 2U) std::abort();
    drain(session, stage.now);
    stage.now += 5 * millisecond;
  }
  session = peer::Session();
  if (stage.pools.chunk.in_use() != 0 || stage.pools.block.in_use_bytes() != 0) std::abort();
  return 0;
}
