#pragma once
/// The other end of the wire: players that were let in by a real handshake, reduced to what they need to go on: keys,
/// sequences, and which datagrams to acknowledge. They send what clients send (an ack block, the newest input and two
/// before it) and check what they get, byte for byte. None of their work is ever inside a measurement.

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "channel/ack.h"
#include "cost.h"
#include "crypt/aead.h"
#include "crypt/keys.h"
#include "message/entity.h"
#include "message/input.h"
#include "message/type.h"
#include "port/port.h"
#include "session/id.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::bench {

/// What is wrong with a datagram, if anything.
enum class Kind : unsigned { valid, bad_crc, unknown_session, replay, bad_tag };

struct Player {
  crypt::Secret send_key, receive_key;
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint16_t port = 0;
  std::uint32_t input = 0;  ///< how many so far
  bool heard = false;       ///< there is something to acknowledge
  std::uint64_t sequence = 0;
  channel::ReceivedDatagrams received;
};

/// What the shard's bodies hold, so that a client can tell whether it got them whole: whose it is, then bytes that
/// every body has.
class BodyPattern {
 public:
  BodyPattern() {
    base::Prng random(7);
    for (auto& byte : bytes_) byte = static_cast<std::uint8_t>(random.next());
  }
  void write(std::uint8_t* to, std::size_t bytes, std::uint32_t connection_id) const {
    std::memcpy(to, bytes_.data(), bytes);
    base::store(to, connection_id);
  }
  [[nodiscard]] bool matches(std::span<const std::uint8_t> body, std::uint32_t connection_id) const {
    return body.size() >= 4 && base::load<std::uint32_t>(body.data()) == connection_id &&
           std::memcmp(body.data() + 4, bytes_.data() + 4, body.size() - 4) == 0;
  }

 private:
  std::array<std::uint8_t, wire::body_bytes_max> bytes_{};
};

template <port::Port F>
class Crowd {
 public:
  /// `server` is where the players send to.
  Crowd(F& port, const wire::Path& server, std::uint64_t protocol_id, unsigned inputs)
      : port_(port), server_(server), crc_(protocol_id), inputs_(inputs) {}

  void add(const Player& player) {
    const std::uint32_t slot = session::slot_of(player.connection_id);
    if (by_slot_.size() <= slot) by_slot_.resize(slot + 1, none);
    by_slot_[slot] = static_cast<std::uint32_t>(players_.size());
    players_.push_back(player);
  }
  [[nodiscard]] const Player& player(std::uint32_t index) const { return players_[index]; }
  [[nodiscard]] std::size_t size() const { return players_.size(); }
  [[nodiscard]] F& port() { return port_; }
  [[nodiscard]] const BodyPattern& pattern() const { return pattern_; }
  /// UDP payload of what was sent last, the mean.
  [[nodiscard]] std::size_t datagram_bytes() const { return datagram_bytes_; }

  /// A datagram of each of these players.
  void send(std::span<const std::uint32_t> who, Kind kind, Nanos now) {
    while (!who.empty()) {
      const std::size_t count = std::min<std::size_t>(who.size(), wire::Batch::capacity);
      send_burst(who.first(count), kind, now);
      who = who.subspan(count);
    }
  }

  /// What is not of their making, a datagram in the name of each: `make(index, player, room)` writes it and returns its
  /// length and the port that it comes from.
  template <class Make>
  void send_made(std::span<const std::uint32_t> who, Make&& make) {
    std::size_t total = 0;
    for (std::size_t at = 0; at < who.size();) {
      std::array<wire::Buffer, wire::Batch::capacity> buffers;
      const std::size_t wanted = std::min<std::size_t>(who.size() - at, buffers.size());
      const unsigned got = port_.acquire({buffers.data(), wanted});
      wrong += got != wanted;
      wire::Batch batch;
      for (unsigned i = 0; i < got; ++i) {
        const auto [bytes, from] = make(who[at + i], players_[who[at + i]], buffers[i].data);
        wire::Path to = server_;
        to.local_port = from;
        batch.append(buffers[i].data, bytes, buffers[i].owner, to);
        total += bytes;
      }
      port_.transmit(batch, 0);
      at += wanted;
    }
    datagram_bytes_ = who.empty() ? 0 : total / who.size();
  }

  /// Take what has come; returns how many bodies of the shard were among it.
  unsigned collect(Nanos now) {
    unsigned bodies = 0;
    wire::Batch batch;
    for (port_.receive(batch, now); batch.rows != 0; port_.receive(batch, now)) {
      for (unsigned row = 0; row < batch.rows; ++row) bodies += take({batch.data[row], batch.length[row]}, now);
      port_.release(batch);
    }
    return bodies;
  }

  std::uint64_t wrong = 0;  ///< datagrams that did not verify, did not open, or held other than they should
  ResultHash hash;          ///< of all bodies that arrived
  bool welcoming = false;   ///< bodies hold CreateEntity records now
  std::uint64_t creates = 0;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  void send_burst(std::span<const std::uint32_t> who, Kind kind, Nanos now) {
    std::array<wire::Buffer, wire::Batch::capacity> buffers;
    const unsigned got = port_.acquire({buffers.data(), who.size()});
    wrong += got != who.size();
    wire::Batch batch;
    crypt::AeadBatch aead;
    for (unsigned i = 0; i < got; ++i) {
      // A datagram that will be refused leaves no trace in its sender.
      Player copy = players_[who[i]];
      Player& player = kind == Kind::valid ? players_[who[i]] : copy;
      const std::size_t body_bytes = compose(player, who[i], buffers[i].data, kind, now);
      wire::Path to = server_;
      to.local_port = player.port;
      batch.append(buffers[i].data, wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes,
                   buffers[i].owner, to);
      const wire::Header header = wire::read_header(buffers[i].data);
      aead.key[i] = players_[who[i]].send_key.data();
      aead.connection_id[i] = header.connection_id;
      aead.sequence[i] = header.sequence;
      aead.data[i] = buffers[i].data;
      aead.clear_bytes[i] = 0;
      aead.body_bytes[i] = static_cast<std::uint16_t>(body_bytes);
    }
    aead.rows = got;
    crypt::seal_batch(aead);
    for (unsigned i = 0; i < got; ++i) {
      const std::span<std::uint8_t> datagram{batch.data[i], batch.length[i]};
      if (kind == Kind::bad_tag) datagram[datagram.size() - wire::crc_bytes - 1] ^= 1;
      wire::stamp_one(datagram, crc_);
      if (kind == Kind::bad_crc) datagram.back() ^= 1;
      datagram_bytes_ = datagram.size();
    }
    port_.transmit(batch, now);
  }

  /// Header and plaintext; returns the bytes of the body.
  std::size_t compose(Player& player, std::uint32_t index, std::uint8_t* to, Kind kind, Nanos now) {
    if (kind != Kind::replay) ++player.sequence;
    ++player.input;
    base::ByteWriter out{{to + wire::header_bytes, wire::body_bytes_max}};
    std::uint8_t flags = wire::flag::sealed;
    if (player.heard) {
      channel::write_ack_block(out, player.received.report(now));
      flags |= wire::flag::acknowledgment;
    }
    for (unsigned i = std::min<unsigned>(inputs_, player.input); i-- > 0;) {
      message::Input input;
      input.sequence = static_cast<std::uint16_t>(player.input - i);
      const std::uint64_t rng = base::mix(index, input.sequence);
      input.client_tick = input.sequence;
      input.move_x = static_cast<std::int8_t>(rng % 255 - 127);
      input.move_y = static_cast<std::int8_t>((rng >> 8) % 255 - 127);
      input.yaw = static_cast<std::int16_t>(rng >> 16);
      input.buttons = static_cast<std::uint8_t>(rng >> 32 & message::button::all);
      message::encode(out, input);
    }
    const std::uint32_t id = kind == Kind::unknown_session ? player.connection_id ^ 0x7FFU : player.connection_id;
    wire::compose_header(to, {id, 0, flags, player.sequence});
    return out.size();
  }

  /// One datagram of the server. 1: it held a body of the shard.
  unsigned take(std::span<std::uint8_t> datagram, Nanos now) {
    if (!wire::verify_one(datagram, crc_)) return ++wrong, 0;
    const wire::Header header = wire::read_header(datagram.data());
    const std::uint32_t slot = session::slot_of(header.connection_id);
    const std::uint32_t index = slot < by_slot_.size() ? by_slot_[slot] : none;
    if (index == none || players_[index].connection_id != header.connection_id) return 0;  // of a handshake, come late
    Player& player = players_[index];
    const std::size_t body_bytes = datagram.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
    if (!crypt::open_in_place(player.receive_key.data(), header.connection_id, header.sequence, datagram.data(), 0,
                              body_bytes))
      return ++wrong, 0;
    base::ByteReader body{datagram.subspan(wire::header_bytes, body_bytes)};
    channel::AckBlock block;
    if ((header.flags & wire::flag::acknowledgment) != 0 && !channel::read_ack_block(body, block)) return ++wrong, 0;
    const std::size_t content_bytes = body.remaining();
    player.received.note(header.sequence, content_bytes != 0 ? channel::AckPolicy::soon : channel::AckPolicy::none,
                         now);
    player.heard = true;
    if (content_bytes == 0) return 0;
    if (welcoming) return take_creates(body.read_bytes(content_bytes), index);
    if (!pattern_.matches(body.read_bytes(content_bytes), header.connection_id)) return ++wrong, 0;
    hash.add(index, content_bytes);
    return 1;
  }

  unsigned take_creates(std::span<const std::uint8_t> body, std::uint32_t index) {
    base::ByteReader in(body);
    for (message::Framed framed; message::next(in, framed);) {
      message::CreateEntity created;
      if (framed.type != message::Type::create_entity || !message::decode(framed.content, created)) return ++wrong, 0;
      hash.add(index, created.id);
      ++creates;
    }
    return 1;
  }

  F& port_;
  wire::Path server_;
  wire::CrcSeed crc_;
  unsigned inputs_;
  BodyPattern pattern_;
  std::vector<Player> players_;
  std::vector<std::uint32_t> by_slot_;
  std::size_t datagram_bytes_ = 0;
};

}  // namespace serried::bench
