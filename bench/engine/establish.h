#pragma once
/// Players come in as players do: client sessions, cookies, tokens, key agreement, CryptoTest, EnterToWorld, all
/// through the lanes and the wire that are measured afterwards. Some 0.2 ms each, both ends together.

#include <memory>
#include <string>

#include "bed.h"
#include "serried/result.h"
#include "support/datagram.h"

namespace serried::bench {

template <class AnyBed>
class Establisher {
 public:
  /// `ports` are those that the far port may send from: as many handshakes go on at a time, at most 256.
  Establisher(AnyBed& bed, const wire::Path& server, const std::vector<std::uint16_t>& ports)
      : bed_(bed), server_(server), ports_(ports) {}

  Result<Done> run() {
    const unsigned wanted = bed_.options.sessions;
    for (unsigned made = 0; made < wanted;) {
      const unsigned wave = std::min({wanted - made, static_cast<unsigned>(ports_.size()), 256U});
      if (const auto begun = begin(made, wave); !begun) return begun.error();
      for (unsigned step = 0; joined_ < wave; ++step) {
        if (step == steps_max) return Error{"only " + std::to_string(made + joined_) + " players came in"};
        this->step();
      }
      for (const auto& one : newcomers_) bed_.crowd.add(one->player);
      made += wave;
      // The lane remembers attempts for ten seconds; let it forget them.
      for (int i = 0; i < 4; ++i) {
        bed_.now += 4 * second;
        bed_.lane.poll(bed_.now);
        listen();
      }
    }
    return Done{};
  }

 private:
  static constexpr unsigned steps_max = 20'000;

  struct Newcomer : test::Client {
    Newcomer() : Client({.far = view::FarMode::none}) {}
    Player player;
    bool joined = false;
  };

  Result<Done> begin(unsigned first, unsigned count) {
    newcomers_.clear();
    joined_ = 0;
    first_ = first;
    for (unsigned i = 0; i < count; ++i) {
      auto one = std::make_unique<Newcomer>();
      bed_.server.introduce(*one, bed_.server.claims_for(first + i + 1), server_);
      one->player.port = ports_[i];
      if (!one->session.start(one->options, bed_.now)) return Error{"a client refuses its token"};
      newcomers_.push_back(std::move(one));
    }
    return Done{};
  }

  /// One millisecond of all clients.
  void step() {
    bed_.now += millisecond;
    for (const auto& one : newcomers_)
      if (!one->joined) speak(*one);
    for (unsigned i = 0; i < 8; ++i) bed_.lane.poll(bed_.now);
    // The wall clock stands still: to let in many takes hours of virtual time, and their tokens are to hold.
    while (bed_.server.handshake.poll(bed_.now, bed_.server.setup.unix_start + 2) != 0) {
    }
    for (unsigned i = 0; i < 32; ++i) bed_.lane.poll(bed_.now);
    listen();
    link::SessionEvent command;
    while (bed_.link.session_events.pop(&command, 1) == 1) {
      if (command.kind() != link::SessionEvent::Kind::join) continue;
      const std::uint64_t index = command.join().player_id - 1 - first_;
      if (index >= newcomers_.size()) continue;
      Newcomer& one = *newcomers_[index];
      joined_ += one.joined ? 0 : 1;
      one.joined = true;
      one.player.session = command.session();
      one.player.connection_id = command.connection_id();
    }
  }

  void speak(Newcomer& one) {
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    for (;;) {
      const peer::Outgoing out = one.session.compose(bytes, bed_.now);
      if (out.bytes == 0) return;
      if (out.key != nullptr) {
        crypt::seal_in_place(out.key, out.connection_id, out.sequence, bytes.data(), 0, out.body_bytes);
        one.player.send_key = crypt::Secret{std::span<const std::uint8_t, 32>{out.key, 32}};
        one.player.receive_key = crypt::Secret{std::span<const std::uint8_t, 32>{one.session.opening_key(0), 32}};
        one.player.sequence = out.sequence;
      }
      wire::stamp_one({bytes.data(), out.bytes}, crc_);
      wire::Path to = server_;
      to.local_port = one.player.port;
      if (!test::transmit(bed_.crowd.port(), std::span(bytes).first(out.bytes), to, bed_.now)) return;
    }
  }

  void listen() {
    test::receive_all(bed_.crowd.port(), bed_.now, [&](std::span<std::uint8_t> bytes, const wire::Path& path) {
      for (const auto& one : newcomers_)
        if (one->player.port == path.local_port) one->session.receive(bytes, path, bed_.now, drops_);
    });
  }

  AnyBed& bed_;
  wire::Path server_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::unique_ptr<Newcomer>> newcomers_;
  unsigned first_ = 0, joined_ = 0;
  wire::CrcSeed crc_{protocol_id};
  metrics::DropCounters drops_;
};

}  // namespace serried::bench
