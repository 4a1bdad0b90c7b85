#pragma once
/// A server for tests, as small as the protocol allows: it keeps every session it is asked for, believes in real
/// cryptography only, and says to its clients what the test tells it to. Built from the codecs and the cryptography of
/// the engine, not from its session layer, so that it checks the client and not the server.

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "channel/ack.h"
#include "channel/pack.h"
#include "channel/reliable.h"
#include "crypt/aead.h"
#include "crypt/cookie.h"
#include "crypt/keys.h"
#include "crypt/replay.h"
#include "crypt/token.h"
#include "message/control.h"
#include "message/entity.h"
#include "message/input.h"
#include "support/entropy.h"
#include "wire/compose.h"
#include "wire/stamp.h"
#include "wire/verify.h"

namespace serried::test {

using Bytes = std::vector<std::uint8_t>;

inline wire::Path path_of(std::uint16_t port) {
  wire::Path path;
  path.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};
  path.port = port;
  return path;
}

class MiniServer {
 public:
  static constexpr std::uint64_t protocol_id = 0x5E771ED;
  static constexpr std::uint64_t server_id = 7;
  static constexpr std::int64_t unix_time = 1'800'000'000;

  struct Sent {
    wire::Path to;
    Bytes bytes;
  };
  struct GameMessage {
    wire::Channel channel;
    message::Type type;
    Bytes content;
  };
  struct Peer {
    wire::Path path;
    std::array<crypt::SessionKeys, 2> keys;  ///< by phase
    std::uint8_t epoch = 0;                  ///< the newest that there are keys of; we seal under it
    bool asked = false, switching = false;   ///< for new keys; and they have not opened anything yet
    crypt::KeyPair asking;
    unsigned rekeys = 0;
    channel::Reliable reliable;
    std::vector<GameMessage> game_messages;  ///< messages of the game, as they came
    std::vector<message::IntegrityAnswer> answers;
    unsigned shakes = 0;
    message::ReliableHandshake shaken;
    unsigned packed = 0, wrong_phase = 0;
    std::uint8_t disconnect_reason = 0;
    std::uint64_t player_id = 0;
    Bytes accepted;  ///< the datagram
    crypt::ReplayWindow replay;
    channel::ReceivedDatagrams received;
    channel::SentDatagrams sent;
    bool tested = false, entered = false, audit = false, gone = false;
    std::uint16_t applied_input = 0;
    std::vector<message::Input> inputs;  ///< all that ever came, repeats included
    std::vector<std::size_t> inputs_per_datagram;
    unsigned crypto_tests = 0, enters = 0, pings = 0, pongs = 0, disconnects = 0, ack_only = 0;
    std::vector<std::uint16_t> acked, lost;  ///< tags of what was sent
  };

  explicit MiniServer(std::uint64_t seed = 1) : random_(seed), jar_(crypt::Secret{}) {
    key.key_id = 3;
    key.protocol_id = protocol_id;
    key.server_id = server_id;
    random_.entropy().fill(key.secret.bytes());
    parameters.player_entity = 1;
  }

  crypt::TokenKey key;
  message::ConnectionAccepted parameters;
  std::vector<Sent> outbox;
  std::map<std::uint32_t, Peer> peers;
  unsigned connects = 0, proofs = 0, bad = 0;
  bool apply_inputs = true;
  bool deny = false;
  message::DenyReason deny_reason = message::DenyReason::full;
  std::uint32_t tick_number = 100;
  bool answers_shake = true;
  std::uint32_t dictionary_id = 0;
  const channel::Dictionary* dictionary = nullptr;
  channel::Packer* packer = nullptr;  ///< null: nothing is packed
  channel::Pools pools{2'048, 8, 4};

  /// A token for `player`, and its secret.
  Bytes token(std::uint64_t player, crypt::Secret& secret) {
    crypt::TokenClaims claims;
    random_.entropy().fill(claims.id);
    random_.entropy().fill(claims.secret.bytes());
    claims.player_id = player;
    claims.issued = claims.not_before = unix_time;
    claims.expiry = unix_time + 300;
    claims.audience = server_id;
    claims.name = "player";
    secret = claims.secret;
    return crypt::issue_token(key, claims, random_.entropy()).value();
  }

  void receive(Bytes datagram, const wire::Path& from, Nanos now) {
    if (!wire::verify_one(datagram, crc)) {
      ++bad;
      return;
    }
    const wire::Header header = wire::read_header(datagram.data());
    if (header.flags == 0) return connect(datagram, from, now);
    const auto found = peers.find(header.connection_id);
    if (found == peers.end()) return;
    Peer& peer = found->second;
    const std::size_t body = datagram.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
    const std::uint8_t phase = (header.flags & wire::flag::key_phase) != 0 ? 1 : 0;
    if (!crypt::open_in_place(peer.keys[phase].client_to_server.data(), header.connection_id, header.sequence,
                              datagram.data(), 0, body)) {
      // A phase that has no key (any more) is the sender's mistake; else it was bent on the way.
      ++(peer.rekeys == 0 && phase == 1 ? peer.wrong_phase : bad);
      return;
    }
    if (peer.replay.commit(header.sequence) != metrics::Drop::none) return;
    if (phase == (peer.epoch & 1)) peer.switching = false;
    opened(peer, header, {datagram.data() + wire::header_bytes, body}, now);
  }

  /// One body of the world for every peer that has entered; `write` adds messages behind the DeltaSync header.
  using Write = std::function<void(base::ByteWriter&)>;
  void tick(Nanos now, const Write& records = {}, const Write& messages = {}, std::uint16_t tag = 0) {
    ++tick_number;
    for (auto& [id, peer] : peers)
      if (peer.entered && !peer.gone) {
        send_world(id, peer, now, records, messages, tag);
        peer.reliable.flush();
      }
    pump(now);
  }
  /// What time and the reliable channels want sent.
  void pump(Nanos now) {
    for (auto& entry : peers) {
      const std::uint32_t id = entry.first;
      Peer& peer = entry.second;  // no binding: C++20 lambdas may capture one, clang 14's may not
      if (peer.gone) continue;
      if (now >= peer.sent.timeout_at()) {
        channel::AckResult result;
        peer.sent.expire(now, outcomes_.data(), result);
        on_outcome(peer, result.outcomes);
      }
      while (peer.reliable.is_open() && peer.reliable.due_at() <= now && peer.sent.datagrams_in_flight() < 100) {
        channel::Reliable::Composed composed;
        const auto write = [&](base::ByteWriter& out) { composed = peer.reliable.compose(pools, out, now); };
        if (emit(id, peer, now, write, composed.packet, composed) == 0) break;
      }
    }
  }
  channel::Queued queue_message(Peer& peer, wire::Channel channel, message::Type type,
                                std::span<const std::uint8_t> content, Nanos now,
                                channel::Urgency urgency = channel::Urgency::bundled) {
    return peer.reliable.send(pools, channel, type, content, urgency, now);
  }
  /// A control message, or another that has an encoder, on channel 1.
  channel::Queued queue_message(Peer& peer, Nanos now, const std::function<void(base::ByteWriter&)>& encode) {
    std::array<std::uint8_t, 512> bytes;
    base::ByteWriter out(bytes);
    encode(out);
    base::ByteReader in(out.written());
    message::Framed framed;
    if (!message::next(in, framed)) return channel::Queued::too_long;
    return queue_message(peer, wire::Channel::reliable_ordered, framed.type, framed.content, now,
                         channel::Urgency::immediate);
  }
  /// Ask for new keys. Precondition: the last ones are in use.
  void rekey(Peer& peer, Nanos now) {
    peer.asking = crypt::make_key_pair(random_.entropy());
    peer.asked = true;
    queue_message(peer, now, [&](base::ByteWriter& out) {
      message::encode(out, message::Type::rekey_request,
                      message::Rekey{static_cast<std::uint8_t>(peer.epoch + 1), peer.asking.public_key});
    });
  }
  [[nodiscard]] static bool can_rekey(const Peer& peer) {
    return peer.reliable.is_open() && !peer.asked && !peer.switching;
  }
  /// The sequence of the datagram, for tests that care.
  std::uint64_t send_world(std::uint32_t id, Peer& peer, Nanos now, const Write& records, const Write& messages,
                           std::uint16_t tag = 0) {
    std::array<std::uint8_t, 1000> content;
    base::ByteWriter delta(content);
    delta.write(tick_number);
    delta.write(peer.applied_input);
    if (records) records(delta);
    return send(id, peer, now, tag, [&](base::ByteWriter& out) {
      message::frame(out, message::Type::delta_sync, delta.size());
      out.write_bytes(delta.written());
      if (messages) messages(out);
    });
  }
  /// A sealed datagram; flags and channel as the test wants them.
  std::uint64_t send(std::uint32_t id, Peer& peer, Nanos now, std::uint16_t tag, const Write& write,
                     std::uint8_t more_flags = 0, std::uint8_t channel = 0, bool ack = true) {
    const channel::SentPacket packet{channel::PayloadKind::plan, 0, tag};
    channel::Reliable::Composed composed;
    composed.channel = static_cast<wire::Channel>(channel);
    return emit(id, peer, now, write, packet, composed, more_flags, ack);
  }
  /// `packet` and `composed` are looked at when `write` is done. 0: it wrote nothing, and nothing was sent.
  std::uint64_t emit(std::uint32_t id, Peer& peer, Nanos now, const Write& write, const channel::SentPacket& packet,
                     const channel::Reliable::Composed& composed, std::uint8_t more_flags = 0, bool ack = true) {
    Bytes datagram(wire::datagram_bytes_max);
    base::ByteWriter out(std::span<std::uint8_t>(datagram).subspan(wire::header_bytes, wire::body_bytes_max));
    std::uint8_t flags = wire::flag::sealed | more_flags;
    if ((peer.epoch & 1) != 0) flags |= wire::flag::key_phase;
    if (ack && peer.received.pending()) {
      channel::write_ack_block(out, peer.received.report(now));
      flags |= wire::flag::acknowledgment;
    }
    const std::size_t ack_bytes = out.size();
    write(out);
    if (out.size() == 0 && packet.payload != channel::PayloadKind::plan) return 0;
    if (composed.fragment) flags |= wire::flag::fragment;
    std::size_t body = out.size();
    if (packer != nullptr && (flags & (wire::flag::fragment | wire::flag::reliable_handshake)) == 0) {
      Bytes packed(wire::body_bytes_max);
      const std::size_t bytes = packer->pack(out.written().subspan(ack_bytes), packed, dictionary);
      if (bytes != 0) {
        std::copy_n(packed.begin(), bytes,
                    datagram.begin() + static_cast<std::ptrdiff_t>(wire::header_bytes + ack_bytes));
        body = ack_bytes + bytes;
        flags |= wire::flag::compressed;
        ++packed_out;
      }
    }
    const std::uint64_t sequence = peer.sent.next_sequence(false);
    const channel::SentPacket evicted =
        peer.sent.note(sequence, packet, static_cast<std::uint16_t>(body == ack_bytes ? 0 : body + 34), now);
    peer.reliable.on_outcome(pools, evicted, false);
    wire::compose_header(datagram.data(), {id, static_cast<std::uint8_t>(composed.channel), flags, sequence});
    crypt::seal_in_place(peer.keys[peer.epoch & 1].server_to_client.data(), id, sequence, datagram.data(), 0, body);
    datagram.resize(wire::header_bytes + body + wire::tag_bytes + wire::crc_bytes);
    wire::stamp_one(datagram, crc);
    outbox.push_back({peer.path, datagram});
    return sequence;
  }
  template <class Message>
  void send_clear(const wire::Path& to, const Message& message) {
    Bytes datagram(wire::datagram_bytes_max);
    wire::compose_header(datagram.data(), {0, 0, 0, 0});
    base::ByteWriter out(std::span<std::uint8_t>(datagram).subspan(wire::header_bytes, 1000));
    message::encode(out, message);
    datagram.resize(wire::header_bytes + out.size() + wire::crc_bytes);
    wire::stamp_one(datagram, crc);
    outbox.push_back({to, datagram});
  }

  wire::CrcSeed crc{protocol_id};
  unsigned packed_out = 0;

 private:
  void connect(Bytes& datagram, const wire::Path& from, Nanos now) {
    if (datagram.size() != wire::datagram_bytes_max) {
      ++bad;
      return;
    }
    base::ByteReader in({datagram.data() + wire::header_bytes, datagram.size() - wire::datagram_bytes_min});
    message::Framed framed;
    message::Connect connect;
    if (!message::next(in, framed) || framed.type != message::Type::connect || in.remaining() != 0 ||
        !message::decode(framed.content, connect)) {
      ++bad;
      return;
    }
    ++connects;
    std::array<std::uint8_t, 8> echo;
    std::copy_n(connect.client_ephemeral.begin(), 8, echo.begin());
    const crypt::Hash token_hash = crypt::sha256(connect.token);
    if (!jar_.check(connect.cookie, from, connect.client_ephemeral, token_hash, now)) {
      send_clear(from, message::Cookie{echo, jar_.make(from, connect.client_ephemeral, token_hash, now)});
      return;
    }
    crypt::TokenClaims claims;
    if (crypt::open_token(key, connect.token, unix_time + 1, claims) != crypt::TokenFault::none ||
        crypt::make_proof(claims.secret, connect.version, connect.client_ephemeral, connect.cookie, connect.token) !=
            connect.proof) {
      ++bad;
      return;
    }
    ++proofs;
    if (deny) {
      send_clear(from, message::ConnectionDenied{deny_reason, 1'500, echo});
      return;
    }
    for (auto& [id, peer] : peers)
      if (peer.player_id == claims.player_id && !peer.gone) {
        if (!peer.tested) outbox.push_back({peer.path, peer.accepted});
        return;
      }
    accept(connect, claims, token_hash, from, now);
  }

  void accept(const message::Connect& connect, const crypt::TokenClaims& claims, const crypt::Hash& token_hash,
              const wire::Path& from, Nanos now) {
    auto id = static_cast<std::uint32_t>(random_.prng.next() | 1);
    while (peers.contains(id)) id = static_cast<std::uint32_t>(random_.prng.next() | 1);
    Peer& peer = peers[id];
    peer.path = from;
    peer.player_id = claims.player_id;
    const crypt::KeyPair own = crypt::make_key_pair(random_.entropy());
    crypt::KeyContext context{connect.version,          protocol_id,    server_id, id,
                              connect.client_ephemeral, own.public_key, {},        token_hash};
    random_.entropy().fill(context.server_random);
    crypt::Secret shared;
    if (!crypt::shared_secret(own.secret, connect.client_ephemeral, shared)) return;
    peer.keys[0] = crypt::derive_session_keys(context, claims.secret, shared);

    Bytes datagram(wire::datagram_bytes_max);
    base::ByteWriter out(std::span<std::uint8_t>(datagram).subspan(wire::header_bytes));
    out.write_bytes(context.server_ephemeral);
    out.write_bytes(context.server_random);
    const std::size_t clear = out.size();
    message::encode(out, parameters);
    const std::size_t sealed = out.size() - clear;
    const std::uint64_t sequence = peer.sent.next_sequence(false);
    peer.sent.note(sequence, {}, 150, now);
    wire::compose_header(datagram.data(), {id, 0, wire::flag::sealed, sequence});
    crypt::seal_in_place(peer.keys[0].server_to_client.data(), id, sequence, datagram.data(), clear, sealed);
    datagram.resize(wire::header_bytes + out.size() + wire::tag_bytes + wire::crc_bytes);
    wire::stamp_one(datagram, crc);
    peer.accepted = datagram;
    outbox.push_back({from, datagram});
  }

  void on_outcome(Peer& peer, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      const auto& [packet, acked] = outcomes_[i];
      if (packet.payload == channel::PayloadKind::plan)
        (acked ? peer.acked : peer.lost).push_back(packet.tag);
      else
        peer.reliable.on_outcome(pools, packet, acked);
    }
  }

  void opened(Peer& peer, const wire::Header& header, std::span<const std::uint8_t> body, Nanos now) {
    base::ByteReader in(body);
    if ((header.flags & wire::flag::acknowledgment) != 0) {
      channel::AckBlock block;
      channel::AckResult result;
      if (!channel::read_ack_block(in, block) || peer.sent.acknowledge(block, 25 * millisecond, now, outcomes_.data(),
                                                                       result) != channel::SentDatagrams::Verdict::ok)
        ++bad;
      on_outcome(peer, result.outcomes);
    }
    if (in.remaining() == 0) ++peer.ack_only;
    std::array<std::uint8_t, channel::unpacked_bytes_max> unpacked;
    if ((header.flags & wire::flag::compressed) != 0) {
      const std::size_t bytes = channel::unpack(in.read_rest(), unpacked, dictionary);
      if (bytes == 0) ++bad;
      in = base::ByteReader({unpacked.data(), bytes});
      ++peer.packed;
    }
    const bool fragment = (header.flags & wire::flag::fragment) != 0;
    if (header.channel != 0 || fragment) {
      Context context{*this, peer, now};
      const channel::Receiver receiver{&take, &take_block, &context};
      const auto channel = static_cast<wire::Channel>(header.channel);
      const channel::Accepted accepted =
          fragment ? peer.reliable.accept_fragment(pools, channel, in, message::message_bytes_max, receiver, now)
                   : peer.reliable.accept(pools, channel, in, receiver, now);
      if (accepted == channel::Accepted::malformed) ++bad;
      if (accepted == channel::Accepted::yes)
        peer.received.note(header.sequence,
                           header.channel != 0 ? channel::AckPolicy::reliable : channel::AckPolicy::soon, now);
      return;
    }
    peer.received.note(header.sequence, in.remaining() != 0 ? channel::AckPolicy::soon : channel::AckPolicy::none, now);
    message::Framed framed;
    std::size_t inputs = 0;
    while (message::next(in, framed)) handle(header.connection_id, peer, framed, inputs, now);
    if (!in.ok()) ++bad;
    if (inputs != 0) peer.inputs_per_datagram.push_back(inputs);
  }

  struct Context {
    MiniServer& server;
    Peer& peer;
    Nanos now;
  };
  static bool take(void* context, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
    auto& [server, peer, now] = *static_cast<Context*>(context);
    if (type >= message::Type::game_first)
      peer.game_messages.push_back({channel, type, {content.begin(), content.end()}});
    else if (type == message::Type::rekey_response && channel == wire::Channel::reliable_ordered)
      server.answered(peer, content);
    else if (message::IntegrityAnswer answer;
             type == message::Type::check_integrity && message::decode(content, answer))
      peer.answers.push_back(answer);
    else
      ++server.bad;
    return true;
  }
  static bool take_block(void* context, wire::Channel channel, std::uint16_t block, std::uint32_t bytes) {
    MiniServer& server = static_cast<Context*>(context)->server;
    const auto message = server.pools.block.bytes(block).first(bytes);
    take(context, channel, static_cast<message::Type>(message[0]), message.subspan(1));
    server.pools.block.release(block);
    return true;
  }
  void answered(Peer& peer, std::span<const std::uint8_t> content) {
    message::Rekey response;
    crypt::Secret shared;
    const auto epoch = static_cast<std::uint8_t>(peer.epoch + 1);
    if (!peer.asked || !message::decode(content, response) || response.epoch != epoch ||
        !crypt::shared_secret(peer.asking.secret, response.ephemeral, shared)) {
      ++bad;
      return;
    }
    const auto id = std::find_if(peers.begin(), peers.end(), [&](auto& one) { return &one.second == &peer; })->first;
    peer.keys[epoch & 1] = crypt::derive_next_keys({id, epoch, peer.asking.public_key, response.ephemeral},
                                                   peer.keys[peer.epoch & 1], shared);
    peer.epoch = epoch;
    peer.asked = false;
    peer.switching = true;
    ++peer.rekeys;
  }

  void handle(std::uint32_t id, Peer& peer, const message::Framed& framed, std::size_t& inputs, Nanos now) {
    using message::Type;
    if (framed.type == Type::crypto_test) {
      message::CryptoTest test;
      if (!message::decode(framed.content, test)) ++bad;
      ++peer.crypto_tests;
      peer.tested = true;
      send(id, peer, now, 0, [&](base::ByteWriter& out) { message::encode(out, Type::crypto_test_ack, test); });
    } else if (framed.type == Type::enter_to_world) {
      message::EnterToWorld enter;
      if (!message::decode(framed.content, enter) || !peer.tested) ++bad;
      ++peer.enters;
      peer.entered = true;
      peer.audit = enter.audit;
    } else if (framed.type == Type::sync_entity_quantized) {
      message::Input input;
      if (!message::decode_sync_entity_quantized(framed.content, input)) ++bad;
      ++inputs;
      peer.inputs.push_back(input);
      if (apply_inputs && static_cast<std::int16_t>(input.sequence - peer.applied_input) > 0)
        peer.applied_input = input.sequence;
    } else if (framed.type == Type::ping) {
      message::Ping ping;
      if (!message::decode(framed.content, ping)) ++bad;
      ++peer.pings;
      send(id, peer, now, 0, [&](base::ByteWriter& out) {
        message::encode(out, message::Pong{ping.id, ping.time_us, 0});
      });
    } else if (framed.type == Type::pong) {
      ++peer.pongs;
    } else if (framed.type == Type::reliable_handshake) {
      if (!message::decode(framed.content, peer.shaken)) ++bad;
      ++peer.shakes;
      if (!answers_shake) return;
      if (!peer.reliable.is_open()) peer.reliable.open(peer.shaken.message_bytes_max);
      send(
          id, peer, now, 0,
          [&](base::ByteWriter& out) {
            message::encode(out, message::ReliableHandshake{message::message_bytes_max, dictionary_id, 0});
          },
          wire::flag::reliable_handshake);
    } else if (framed.type >= Type::game_first) {
      peer.game_messages.push_back(
          {wire::Channel::unreliable, framed.type, {framed.content.begin(), framed.content.end()}});
    } else if (framed.type == Type::disconnect) {
      message::Disconnect bye;
      if (!message::decode(framed.content, bye)) ++bad;
      peer.disconnect_reason = static_cast<std::uint8_t>(bye.reason);
      ++peer.disconnects;
      peer.gone = true;
    } else {
      ++bad;
    }
  }

  SeededEntropy random_;
  crypt::CookieJar jar_;
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes_{};
};

}  // namespace serried::test
