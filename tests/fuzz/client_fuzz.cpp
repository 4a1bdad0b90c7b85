/// What a hostile or broken server can do to a client. The first byte chooses: a datagram as it comes off the wire (its
/// CRC is made right, so that the input gets past it) at one of three states, or the plaintext body of an authentic
/// datagram.

#include <cstdlib>

#include "../client/mini_server.h"
#include "client/session.h"

using namespace serried;  // NOLINT: a program's own file

namespace {

constexpr Nanos start_time = 1000 * second;

/// Sessions at the states where bytes are believed in differently; made once, copied for each input.
struct Sessions {
  test::MiniServer server{1};
  test::SeededEntropy random{2};
  client::Session connecting, challenged, playing;

  Sessions() {
    if (!crypt::initialise()) std::abort();
    client::SessionOptions options;
    crypt::Secret secret;
    const test::Bytes token = server.token(42, secret);
    options.server = test::path_of(4000);
    options.protocol_id = test::MiniServer::protocol_id;
    options.server_id = test::MiniServer::server_id;
    options.token = token;
    options.token_secret = secret;
    options.entropy = random.entropy();
    client::Session session;
    if (!session.start(options, start_time)) std::abort();
    Nanos now = start_time;
    connecting = session;
    for (int i = 0; i < 100 && session.state() != client::State::playing; ++i, now += 10 * millisecond) {
      test::Bytes buffer(wire::datagram_bytes_max);
      while (const std::size_t bytes = session.send(buffer, now))
        server.receive({buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(bytes)}, test::path_of(5000), now);
      server.tick(now);
      observe::DropCounters drops;
      for (auto& sent : server.outbox) session.receive(sent.bytes, test::path_of(4000), now, drops);
      server.outbox.clear();
      if (session.state() == client::State::challenged) challenged = session;
    }
    if (session.state() != client::State::playing) std::abort();
    session.submit({});
    playing = session;
  }
};

void drain(client::Session& session, Nanos now) {
  test::Bytes buffer(wire::datagram_bytes_max);
  for (int i = 0; i < 8 && session.send(buffer, now) != 0; ++i) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Sessions sessions;
  if (size < 1 || size > 1400) return 0;
  const std::uint8_t choice = data[0] & 3;
  test::Bytes bytes(data + 1, data + size);
  observe::DropCounters drops;
  const Nanos now = start_time + 5 * second;
  if (choice != 3) {
    client::Session session = choice == 0 ? sessions.connecting : choice == 1 ? sessions.challenged : sessions.playing;
    const client::State before = session.state();
    if (bytes.size() >= wire::datagram_bytes_min && bytes.size() <= wire::datagram_bytes_max)
      wire::stamp_one(bytes, sessions.server.crc);
    const observe::Drop verdict = session.receive(bytes, test::path_of(4000), now, drops);
    // Nobody can seal without the keys: what is not dropped is a clear answer that echoes us.
    if (verdict != observe::Drop::none && session.state() != before) std::abort();
    if (choice == 2 && (verdict == observe::Drop::none || session.state() != before)) std::abort();
    drain(session, now);
    return 0;
  }
  client::Session session = sessions.playing;
  if (bytes.size() > wire::body_bytes_max + 1 || bytes.empty()) return 0;
  const auto flags = static_cast<std::uint8_t>(wire::flag::sealed | (bytes[0] & ~wire::flag::rekey));
  // Twice, under rising sequences: the second meets what the first left behind.
  for (std::uint64_t sequence = 1000; sequence <= 1001; ++sequence) {
    const wire::Header header{session.connection_id(), 0, flags, sequence};
    static_cast<void>(session.accept_opened(header, std::span<const std::uint8_t>(bytes).subspan(1),
                                            test::path_of(4000), now, drops));
    session.view().for_each(
        [&](const client::Tracked& entity) { static_cast<void>(session.view().interpolated(entity, now)); });
    session.view().for_each_far(
        now, [&](const client::FarProxy& proxy) { static_cast<void>(session.view().position(proxy)); });
    if (session.view().tracked_count() > 2U * session.parameters().tracked_max + 2U) std::abort();
    drain(session, now);
  }
  return 0;
}
