#pragma once
/// A host that has no key and wants to do harm: it hears what honest clients send, and sends copies of it, bent or
/// whole, from its own address and in theirs, garbage, Connects with and without cookies, datagrams of any size.

#include "message/control.h"
#include "scenario/engine.h"
#include "session/id.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::scenario {

class Attacker {
 public:
  static constexpr std::uint16_t ports = 8;

  /// `disguised`: half of what it sends comes, by all that can be seen, from the bots' addresses.
  Attacker(Engine& engine, std::uint64_t seed, bool disguised)
      : engine_(engine),
        rng_(seed),
        disguised_(disguised),
        port_(engine.network
                  .open({.address = port::ipv4_address(10, 66, 0, 6),
                         .port_first = 6'000,
                         .port_last = 6'000 + ports - 1,
                         .buffers = 512})
                  .value()) {
    engine.on_sent = [this](Bot&, std::span<const std::uint8_t> bytes) { overhear(bytes); };
  }
  ~Attacker() { engine_.on_sent = nullptr; }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

  /// Up to `datagrams` at once.
  void strike(unsigned datagrams) {
    listen();
    for (unsigned i = 0; i < datagrams; ++i) {
      switch (rng_.below(8)) {
        case 0:
          say(garbage(rng_.below(1'400)));
          break;
        case 1:
          say(stamped(garbage(18 + rng_.below(1'183))));
          break;
        case 2:
          say(connect({}));
          break;
        case 3:
          say(connect(cookie_));
          break;
        case 4:
          if (!overheard_.empty()) say(pick());
          break;
        case 5:
          if (!overheard_.empty()) say(bent(pick(), false));
          break;
        case 6:
          if (!overheard_.empty()) say(bent(pick(), true));
          break;
        default:
          if (!overheard_.empty()) say(resealed(pick()));
      }
    }
  }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  using Bytes = std::vector<std::uint8_t>;

  void overhear(std::span<const std::uint8_t> bytes) {
    if (overheard_.size() < 256)
      overheard_.emplace_back(bytes.begin(), bytes.end());
    else if (rng_.chance(0.2))
      overheard_[rng_.below(overheard_.size())].assign(bytes.begin(), bytes.end());
  }
  Bytes pick() { return overheard_[rng_.below(overheard_.size())]; }
  Bytes garbage(std::uint64_t bytes) {
    Bytes out(std::max<std::uint64_t>(bytes, 1));
    for (auto& byte : out) byte = static_cast<std::uint8_t>(rng_.next());
    return out;
  }
  static Bytes stamped(Bytes bytes) {
    if (bytes.size() >= wire::datagram_bytes_min && bytes.size() <= wire::datagram_bytes_max)
      wire::stamp_one(bytes, wire::CrcSeed{Engine::protocol});
    return bytes;
  }
  Bytes bent(Bytes bytes, bool stamp) {
    const std::uint64_t bit = rng_.below(bytes.size() * 8);
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    return stamp ? stamped(std::move(bytes)) : bytes;
  }
  /// A live connection id, and a header of our own making.
  Bytes resealed(Bytes bytes) {
    wire::Header header;
    header.connection_id = base::load<std::uint32_t>(bytes.data());
    // Where there are several io lanes, in the name of one of them or of one that is not there.
    if (engine_.config.io_lanes > 1 && rng_.chance(0.5))
      header.connection_id ^= session::make_id(static_cast<std::uint32_t>(rng_.below(session::lanes_max)), 0, 0) & ~1U;
    header.channel = static_cast<std::uint8_t>(rng_.below(4));
    header.flags = static_cast<std::uint8_t>(wire::flag::sealed | (rng_.next() & 0xF8));
    header.sequence = rng_.chance(0.5) ? rng_.below(100'000) : rng_.next();
    wire::compose_header(bytes.data(), header);
    return stamped(std::move(bytes));
  }
  Bytes connect(const std::array<std::uint8_t, 48>& cookie) {
    message::Connect connect;
    const Bytes ephemeral = garbage(32), proof = garbage(16), token = garbage(180);
    // An attempt with a cookie has to be the one that the cookie is for.
    if (cookie == std::array<std::uint8_t, 48>{}) {
      std::copy(ephemeral.begin(), ephemeral.end(), ephemeral_.begin());
      token_ = token;
    }
    connect.client_ephemeral = ephemeral_;
    connect.cookie = cookie;
    std::copy(proof.begin(), proof.end(), connect.proof.begin());
    connect.token = token_;
    Bytes bytes(wire::datagram_bytes_max);
    base::ByteWriter out{std::span(bytes).subspan(wire::header_bytes)};
    message::encode(out, connect);
    return stamped(std::move(bytes));
  }

  /// From one of its own ports, or in the name of a bot: there the wire believes whatever it is told.
  void say(const Bytes& bytes) {
    if (bytes.empty()) return;
    wire::Path to = engine_.address();
    const bool in_disguise = disguised_ && rng_.chance(0.5);
    if (!in_disguise) to.local_port = static_cast<std::uint16_t>(6'000 + rng_.below(ports));
    Bot& bot = *engine_.bots[rng_.below(engine_.bots.size())];
    engine_.send_raw(in_disguise ? *bot.port : *port_, bytes, to);
    ++sent_;
  }

  /// Cookies are what it wants to hear.
  void listen() {
    test::receive_all(*port_, engine_.now, [&](std::span<const std::uint8_t> bytes, const wire::Path&) {
      base::ByteReader body{bytes.subspan(wire::header_bytes, bytes.size() - wire::header_bytes - wire::crc_bytes)};
      message::Framed framed;
      message::Cookie cookie;
      if (base::load<std::uint32_t>(bytes.data()) == 0 && message::next(body, framed) &&
          framed.type == message::Type::cookie && decode(framed.content, cookie) &&
          std::equal(cookie.echo.begin(), cookie.echo.end(), ephemeral_.begin()))
        cookie_ = cookie.cookie;
    });
  }

  Engine& engine_;
  base::Prng rng_;
  const bool disguised_;
  std::unique_ptr<port::LoopPort> port_;
  std::vector<Bytes> overheard_;
  std::array<std::uint8_t, 48> cookie_{};
  crypt::PublicKey ephemeral_{};
  Bytes token_ = Bytes(180, 1);
  std::uint64_t sent_ = 0;
};

}  // namespace serried::scenario
