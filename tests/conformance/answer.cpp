#include "conformance/answer.h"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>

#include "channel/ack.h"
#include "channel/fragment.h"
#include "channel/pack.h"
#include "channel/reliable.h"
#include "crypt/aead.h"
#include "crypt/cookie.h"
#include "crypt/integrity.h"
#include "crypt/keys.h"
#include "crypt/token.h"
#include "motion/step.h"
#include "wire/parse.h"
#include "wire/verify.h"

namespace serried::conformance {
namespace {

Bytes octets(const Json& vector, const char* name) { return unhex(vector.at(name).get<std::string>()); }

/// Exactly the bytes that `to` has.
template <class Container>
void fill(const Json& vector, const char* name, Container&& to) {
  const Bytes bytes = octets(vector, name);
  if (bytes.size() != to.size()) throw std::invalid_argument(std::string("another size of ") + name);
  std::copy(bytes.begin(), bytes.end(), to.begin());
}
crypt::Secret secret(const Json& vector, const char* name) {
  crypt::Secret made;
  fill(vector, name, made.bytes());
  return made;
}
template <class T>
T number(const Json& vector, const char* name) {
  return vector.at(name).get<T>();
}

Json message_of(const Json& vector) {
  const Bytes bytes = octets(vector, "bytes");
  base::ByteReader body(bytes);
  message::Framed framed;
  if (!message::next(body, framed) || !body.complete()) throw std::invalid_argument("not one framed message");
  return describe(framed.type, framed.content);
}

Json body_of(const Json& vector) {
  const Bytes bytes = octets(vector, "bytes");
  const auto flags = number<std::uint8_t>(vector, "flags");
  base::ByteReader in(bytes);
  Json made = {{"ack", nullptr}, {"first_id", nullptr}, {"fragment", nullptr}, {"messages", Json::array()}};
  if (flags & wire::flag::acknowledgment) {
    channel::AckBlock block;
    if (!channel::read_ack_block(in, block)) return {};
    made["ack"] = {{"largest", block.largest}, {"delay", block.delay / channel::ack_delay_unit}, {"mask", block.mask}};
  }
  Bytes unpacked(channel::unpacked_bytes_max);
  if (flags & wire::flag::compressed) {
    const std::size_t count = channel::unpack(in.read_rest(), unpacked, nullptr);
    if (count == 0) return {};
    in = base::ByteReader(View(unpacked).first(count));
  }
  if (number<unsigned>(vector, "channel") != 0) {
    made["first_id"] = in.read<std::uint16_t>();
    if (!in.ok() || in.remaining() == 0) return {};
  }
  if (flags & wire::flag::fragment) {
    const channel::FragmentHeader header = channel::read_fragment_header(in);
    if (!in.ok() || !channel::is_fragment(header, in.remaining())) return {};
    made["fragment"] = {{"fragment_id", header.fragment_id},
                        {"offset", header.offset_units * channel::BlockPool::unit_bytes},
                        {"total_size", header.total_bytes},
                        {"data", hex(in.read_rest())}};
  }
  for (message::Framed framed; message::next(in, framed);)
    made["messages"].push_back(Json::array({framed.type, hex(framed.content)}));
  made["framed"] = in.complete();
  return made;
}

Json datagram_of(const Json& vector) {
  Bytes bytes = octets(vector, "bytes");
  const std::size_t length = bytes.size();
  bytes.resize(
      std::max<std::size_t>(length, wire::datagram_bytes_max));  // parse reads headers before lengths are known
  metrics::DropCounters drops;
  wire::Batch batch;
  batch.clear();
  batch.append(bytes.data(), length, nullptr, {});
  wire::parse(batch, drops);
  wire::verify(batch, wire::CrcSeed(number<std::uint64_t>(vector, "protocol_id")), drops);
  if (batch.live_rows == 0) return {};
  bytes.resize(length - wire::crc_bytes);
  if (batch.flags[0] & wire::flag::encrypted) {
    const crypt::Secret key = secret(vector, "key");
    const auto clear = number<std::size_t>(vector, "clear_bytes");
    const std::size_t around = wire::header_bytes + clear + wire::tag_bytes;
    if (bytes.size() < around || !crypt::open_in_place(key.data(), batch.connection_id[0], batch.sequence[0],
                                                       bytes.data(), clear, bytes.size() - around))
      return {};
    bytes.resize(bytes.size() - wire::tag_bytes);
  }
  return {{"connection_id", batch.connection_id[0]},
          {"channel", batch.channel[0]},
          {"flags", batch.flags[0]},
          {"sequence", batch.sequence[0]},
          {"body", hex(View(bytes).subspan(wire::header_bytes))}};
}

/// Who takes what Reliable hands on: it is listed.
struct Taken {
  channel::Pools& pools;
  Json handed = Json::array();

  static bool take(void* context, wire::Channel, message::Type type, View content) {
    static_cast<Taken*>(context)->handed.push_back(Json::array({type, hex(content)}));
    return true;
  }
  static bool take_block(void* context, wire::Channel, std::uint16_t block, std::uint32_t bytes) {
    auto& taken = *static_cast<Taken*>(context);
    const View message = View(taken.pools.block.bytes(block)).first(bytes);
    taken.handed.push_back(Json::array({message[0], hex(message.subspan(1))}));
    taken.pools.block.release(block);
    return true;
  }
};

Json reliable_of(const Json& vector) {
  channel::Pools pools(4096, 8, 8);
  channel::Reliable reliable;
  reliable.open(message::message_bytes_max);
  Json outcomes = Json::array();
  for (const Json& datagram : vector.at("datagrams")) {
    Taken taken{pools};
    const channel::Receiver receiver{Taken::take, Taken::take_block, &taken};
    const auto channel = number<wire::Channel>(datagram, "channel");
    const Bytes bytes = octets(datagram, "bytes");
    const base::ByteReader body(bytes);
    const Nanos now = number<Nanos>(datagram, "at") * second;
    static_cast<void>(reliable.sweep(pools, now));
    const channel::Accepted accepted =
        number<bool>(datagram, "fragment")
            ? reliable.accept_fragment(pools, channel, body, number<std::uint32_t>(vector, "message_bytes_max"),
                                       receiver, now)
            : reliable.accept(pools, channel, body, receiver, now);
    static constexpr const char* verdicts[] = {"yes", "no_room", "malformed"};
    Json outcome = {{"handed", taken.handed}, {"verdict", nullptr}};
    if (channel != wire::Channel::unreliable) outcome["verdict"] = verdicts[static_cast<unsigned>(accepted)];
    const bool ended = outcome["verdict"] == "malformed";
    if (ended) outcome["handed"] = Json::array();  // what was handed on before the fault was seen does not count
    outcomes.push_back(std::move(outcome));
    if (ended) break;
  }
  reliable.clear(pools);
  return outcomes;
}

Json token_of(const Json& vector) {
  crypt::TokenKey key;
  key.key_id = number<std::uint32_t>(vector, "key_id");
  key.protocol_id = number<std::uint64_t>(vector, "protocol_id");
  key.server_id = number<std::uint64_t>(vector, "server_id");
  key.secret = secret(vector, "key");
  crypt::TokenClaims claims;
  if (crypt::open_token(key, octets(vector, "bytes"), number<std::int64_t>(vector, "now"), claims) !=
      crypt::TokenFault::none)
    return {};
  const std::string name = claims.name.string();
  return {{"id", hex(claims.id)},
          {"secret", hex(claims.secret.bytes())},
          {"player_id", claims.player_id},
          {"issued", claims.issued},
          {"not_before", claims.not_before},
          {"expiry", claims.expiry},
          {"audience", claims.audience},
          {"permissions", claims.permissions},
          {"name", hex(Bytes(name.begin(), name.end()))}};
}

Json cookie_of(const Json& vector) {
  crypt::CookieJar jar(secret(vector, "root"));
  wire::Path source;
  fill(vector, "address", source.address);
  source.port = number<std::uint16_t>(vector, "port");
  crypt::PublicKey ephemeral;
  fill(vector, "client_ephemeral", ephemeral);
  return hex(jar.make(number<std::uint64_t>(vector, "nonce"), source, ephemeral, crypt::sha256(octets(vector, "token")),
                      number<Nanos>(vector, "time") * second));
}

/// The pair of a secret from elsewhere.
crypt::KeyPair pair_of(const Json& vector, const char* name) {
  Bytes bytes = octets(vector, name);
  const auto source = [](void* context, std::span<std::uint8_t> to) {
    const auto& from = *static_cast<Bytes*>(context);
    if (from.size() == to.size()) std::copy(from.begin(), from.end(), to.begin());
  };
  return crypt::make_key_pair({source, &bytes});
}

Json keys_fields(const crypt::SessionKeys& keys) {
  return {{"c2s", hex(keys.client_to_server.bytes())},
          {"s2c", hex(keys.server_to_client.bytes())},
          {"next", hex(keys.next.bytes())},
          {"export", hex(keys.exporter.bytes())}};
}

Json keys_of(const Json& vector) {
  const crypt::KeyPair client = pair_of(vector, "client_secret"), server = pair_of(vector, "server_secret");
  const Bytes token = octets(vector, "token");
  crypt::KeyContext context;
  context.version = message::protocol_version;
  context.protocol_id = number<std::uint64_t>(vector, "protocol_id");
  context.server_id = number<std::uint64_t>(vector, "server_id");
  context.connection_id = number<std::uint32_t>(vector, "connection_id");
  context.client_ephemeral = client.public_key;
  context.server_ephemeral = server.public_key;
  fill(vector, "server_random", context.server_random);
  context.token_hash = crypt::sha256(token);
  crypt::Secret ee;
  if (!crypt::shared_secret(server.secret, client.public_key, ee)) return {};
  const crypt::Secret token_secret = secret(vector, "secret");
  crypt::Cookie cookie;
  fill(vector, "cookie", cookie);
  Json made = keys_fields(crypt::derive_session_keys(context, token_secret, ee));
  made["client_ephemeral"] = hex(client.public_key);
  made["server_ephemeral"] = hex(server.public_key);
  made["ee"] = hex(ee.bytes());
  made["proof"] = hex(crypt::make_proof(token_secret, message::protocol_version, client.public_key, cookie, token));
  return made;
}

Json rekey_of(const Json& vector) {
  const crypt::KeyPair client = pair_of(vector, "client_secret"), server = pair_of(vector, "server_secret");
  crypt::SessionKeys current;
  current.client_to_server = secret(vector, "c2s");
  current.server_to_client = secret(vector, "s2c");
  current.next = secret(vector, "next");
  current.exporter = secret(vector, "export");
  crypt::Secret ee;
  if (!crypt::shared_secret(client.secret, server.public_key, ee)) return {};
  return keys_fields(
      crypt::derive_next_keys({number<std::uint32_t>(vector, "connection_id"), number<std::uint8_t>(vector, "epoch"),
                               server.public_key, client.public_key},
                              current, ee));
}

Json integrity_of(const Json& vector) {
  crypt::IntegrityVersion version;
  version.version = number<std::uint32_t>(vector, "version");
  version.secret = secret(vector, "secret");
  crypt::IntegrityNonce nonce;
  fill(vector, "nonce", nonce);
  const crypt::Secret entry = crypt::integrity_entry(version, number<std::uint16_t>(vector, "index"));
  return hex(crypt::integrity_answer(entry, nonce, secret(vector, "exporter")));
}

Json quantise_of(const Json& vector) {
  message::Geometry geometry;
  geometry.section_size_xy = number<float>(vector, "section_size_xy");
  geometry.section_size_z = number<float>(vector, "section_size_z");
  geometry.sections = number<std::array<std::uint16_t, 3>>(vector, "sections");
  message::EntityState state;
  message::quantise_position(geometry, number<std::array<float, 3>>(vector, "position"), state);
  return {{"section", state.section},
          {"position", state.position},
          {"yaw", message::quantise_angle(number<float>(vector, "radians"))},
          {"velocity", message::quantise_speed(number<float>(vector, "speed"))},
          {"health", message::quantise_fraction(number<float>(vector, "fraction"), number<bool>(vector, "alive"))}};
}

Json apply_of(const Json& vector) {
  const Json& known = vector.at("known");
  message::EntityState state;
  state.section = known.at("section");
  state.position = known.at("position");
  state.yaw = known.at("yaw");
  state.velocity = known.at("velocity");
  state.anim = known.at("anim");
  state.state_flags = known.at("state");
  state.effect_flags = known.at("effects");
  state.health = known.at("health");
  state.mana = known.at("mana");
  const Bytes bytes = octets(vector, "record");
  base::ByteReader in(bytes);
  message::Record record;
  if (!message::read_record(in, record) || !in.complete() || !message::apply_record(record, state)) return {};
  return {{"state", fields(state)}, {"hash", message::state_hash(state)}};
}

Json motion_of(const Json& vector) {
  motion::State state;
  state.position = number<std::array<float, 3>>(vector, "position");
  state.velocity = number<std::array<float, 3>>(vector, "velocity");
  const auto move = number<std::array<std::int8_t, 2>>(vector, "move");
  const motion::Intent intent{move[0], move[1], number<std::int16_t>(vector, "yaw"),
                              number<std::uint8_t>(vector, "buttons")};
  const motion::State after = motion::step(state, intent, motion::Limits{}, number<float>(vector, "seconds"));
  return {{"position", after.position}, {"velocity", after.velocity}, {"yaw", after.yaw}, {"anim", after.anim}};
}

}  // namespace

Json answer(const Json& vector) {
  static const std::map<std::string, std::function<Json(const Json&)>> kinds = {
      {"message", message_of},     {"body", body_of},         {"datagram", datagram_of}, {"reliable", reliable_of},
      {"token", token_of},         {"cookie", cookie_of},     {"keys", keys_of},         {"rekey", rekey_of},
      {"integrity", integrity_of}, {"quantise", quantise_of}, {"apply", apply_of},       {"motion", motion_of}};
  return kinds.at(vector.at("kind").get<std::string>())(vector);
}

}  // namespace serried::conformance
