/// usage: emit_vectors [--seed N] [--count N] > FILE      for `verify_wire_format.py vectors FILE`
/// Random vectors of every kind, made by the engine's own encoders from values that are drawn here; every fourth is
/// tampered with, and then says what the engine's decoder makes of it. One seed, one file.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>

#include "base/prng.h"
#include "channel/ack.h"
#include "channel/fragment.h"
#include "channel/pack.h"
#include "channel/reliable.h"
#include "conformance/answer.h"
#include "crypt/aead.h"
#include "crypt/keys.h"
#include "crypt/token.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::conformance {
namespace {

using message::Type;

class Emitter {
 public:
  explicit Emitter(std::uint64_t seed) : prng_(seed) {}

  Json message(bool bad);
  Json body(bool bad);
  Json datagram(bool bad);
  Json token(bool bad);
  Json apply();
  Json reliable();
  Json secrets(const char* kind);
  Json quantise();
  Json motion();

 private:
  /// Numbers at the edges are as likely as all others together.
  template <class T>
  T any() {
    if constexpr (std::is_same_v<T, float>) {
      return static_cast<float>((prng_.unit() - 0.5) * 1e6);
    } else {
      constexpr std::uint64_t edges[] = {0, 1, static_cast<std::uint64_t>(-1), std::uint64_t{1} << (8 * sizeof(T) - 1),
                                         (std::uint64_t{1} << (8 * sizeof(T) - 1)) - 1};
      return static_cast<T>(prng_.chance(0.5) ? prng_.next() : edges[prng_.below(std::size(edges))]);
    }
  }
  template <class T>
  T within(std::uint64_t low, std::uint64_t high) {  // both included
    return static_cast<T>(low + prng_.below(high - low + 1));
  }
  template <class Container>
  void fill(Container&& values) {
    for (auto& value : values) value = any<std::remove_reference_t<decltype(value)>>();
  }
  Bytes octets(std::size_t low, std::size_t high) {
    Bytes bytes(within<std::size_t>(low, high));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(prng_.next());
    return bytes;
  }
  /// UTF-8 of low to high bytes, one to four a character.
  Bytes text(std::size_t low, std::size_t high) {
    static constexpr std::string_view characters[] = {"a", " ", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    const auto size = within<std::size_t>(low, high);
    Bytes bytes;
    while (bytes.size() < size) {
      std::string_view character = characters[prng_.below(std::size(characters))];
      if (bytes.size() + character.size() > size) character = "x";
      bytes.insert(bytes.end(), character.begin(), character.end());
    }
    return bytes;
  }
  Bytes tampered(Bytes bytes);

  message::EntityState state();
  message::Record record();
  message::SymbolRef symbol();
  message::Input input(bool is_float);
  message::ConnectionAccepted accepted();
  /// Type and content as the engine writes them, and what they say.
  Json drawn_message(Bytes& framed);
  Json control_message(base::ByteWriter& out, Type& type, unsigned which);
  Json entity_message(base::ByteWriter& out, Type& type, unsigned which);
  Json game_message(base::ByteWriter& out, Type& type, unsigned which);

  base::Prng prng_;
  Bytes scratch_, names_[2];  ///< what messages view while they are encoded
};

std::string_view view_of(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Bytes Emitter::tampered(Bytes bytes) {
  if (bytes.empty()) return {0};
  const std::size_t at = prng_.below(bytes.size());
  switch (prng_.below(4)) {
    case 0:
      bytes[at] ^= static_cast<std::uint8_t>(1U << prng_.below(8));
      break;
    case 1:
      bytes.pop_back();
      break;
    case 2:
      bytes.push_back(0);
      break;
    default:
      bytes[at] = any<std::uint8_t>();
  }
  return bytes;
}

message::EntityState Emitter::state() {
  message::EntityState state;
  fill(state.section);
  fill(state.position);
  fill(state.velocity);
  state.yaw = any<std::int16_t>();
  for (auto* byte : {&state.anim, &state.state_flags, &state.effect_flags, &state.health, &state.mana})
    *byte = any<std::uint8_t>();
  return state;
}

message::Record Emitter::record() {
  message::Record record;
  record.slot = any<std::uint16_t>();
  record.mask = static_cast<std::uint8_t>(within<unsigned>(1, 63) | within<unsigned>(0, 3) << 6);
  record.state = state();
  // What write_record makes of it.
  if (record.mask & message::delta::position)
    for (unsigned axis = 0; axis < 3; ++axis)
      record.section_mod4 |= static_cast<std::uint8_t>((record.state.section[axis] & 3U) << 2 * axis);
  return record;
}

message::SymbolRef Emitter::symbol() {
  static constexpr std::uint16_t ids[] = {1, 127, 128, 16'383, 16'384, 65'535};
  if (prng_.chance(0.5)) return {ids[prng_.below(std::size(ids))], {}};
  return {0, view_of(names_[0] = text(1, 64))};
}

message::Input Emitter::input(bool is_float) {
  message::Input input;
  input.sequence = any<std::uint16_t>();
  input.client_tick = any<std::uint32_t>();
  input.move_x = static_cast<std::int8_t>(within<int>(0, 254) - 127);
  input.move_y = static_cast<std::int8_t>(within<int>(0, 254) - 127);
  input.yaw = any<std::int16_t>();
  input.buttons = within<std::uint8_t>(0, 15);
  input.predicted_float = is_float;
  if (is_float) {
    fill(input.predicted);
  } else {
    input.predicted_section_mod4 = within<std::uint8_t>(0, 63);
    fill(input.predicted_quantised);
  }
  return input;
}

message::ConnectionAccepted Emitter::accepted() {
  message::ConnectionAccepted m;
  m.tick_rate_hz = within<std::uint16_t>(1, 240);
  m.input_rate_max_hz = any<std::uint16_t>();
  m.idle_ping_ms = any<std::uint32_t>();
  m.timeout_ms = any<std::uint32_t>();
  m.ack_delay_us = any<std::uint32_t>();
  m.tracked_max = any<std::uint16_t>();
  m.player_entity = any<std::uint64_t>();
  m.server_time_us = any<std::uint64_t>();
  m.section_size_xy = within<std::uint32_t>(1, 100'000);
  m.cell_size_xy = m.section_size_xy * within<std::uint32_t>(1, 9);
  m.cell_size_z = within<std::uint32_t>(1, 10'000);
  m.section_size_z = m.cell_size_z * within<std::uint32_t>(1, 9);
  m.sections_x = within<std::uint16_t>(1, 65'535);
  m.sections_y = within<std::uint16_t>(1, 65'535);
  m.sections_z = within<std::uint16_t>(1, 65'535);
  return m;
}

/// Encode and say so.
template <class Message>
Json put(base::ByteWriter& out, const Message& message) {
  encode(out, message);
  return fields(message);
}

Json Emitter::control_message(base::ByteWriter& out, Type& type, unsigned which) {
  switch (which) {
    case 0: {
      message::Connect m;
      m.version = any<std::uint32_t>();
      fill(m.client_ephemeral);
      fill(m.cookie);
      fill(m.proof);
      m.token = scratch_ = octets(0, crypt::token_bytes_max);
      type = Type::connect;
      return put(out, m);
    }
    case 1: {
      message::Cookie m;
      fill(m.echo);
      fill(m.cookie);
      type = Type::cookie;
      return put(out, m);
    }
    case 2:
      type = Type::connection_accepted;
      return put(out, accepted());
    case 3: {
      message::ConnectionDenied m{within<message::DenyReason>(1, 8), any<std::uint32_t>(), {}};
      fill(m.echo);
      type = Type::connection_denied;
      return put(out, m);
    }
    case 4:
      type = Type::ping;
      return put(out, message::Ping{any<std::uint64_t>(), any<std::uint64_t>()});
    case 5:
      type = Type::pong;
      return put(out, message::Pong{any<std::uint64_t>(), any<std::uint64_t>(), any<std::uint32_t>()});
    case 6:
      type = Type::disconnect;
      scratch_ = octets(0, message::disconnect_text_bytes_max);
      return put(out, message::Disconnect{within<message::DisconnectReason>(1, 8), scratch_});
    case 7:
      type = Type::reliable_handshake;
      return put(out, message::ReliableHandshake{within<std::uint32_t>(0, message::message_bytes_max),
                                                 any<std::uint32_t>(), any<std::uint32_t>()});
    case 8: {
      message::CheckIntegrity m{any<std::uint32_t>(), any<std::uint16_t>(), {}};
      fill(m.nonce);
      type = Type::check_integrity;
      return put(out, m);
    }
    case 9: {
      message::CryptoTest m;
      fill(m.bytes);
      encode(out, type = prng_.chance(0.5) ? Type::crypto_test : Type::crypto_test_ack, m);
      return fields(m);
    }
    case 10: {
      static constexpr Type types[] = {Type::rekey_request, Type::rekey_response, Type::server_rekey_request,
                                       Type::client_rekey_response};
      message::Rekey m{any<std::uint8_t>(), {}};
      fill(m.ephemeral);
      encode(out, type = types[prng_.below(std::size(types))], m);
      return fields(m);
    }
    default:
      type = Type::enter_to_world;
      return put(out, message::EnterToWorld{prng_.chance(0.5)});
  }
}

Json Emitter::entity_message(base::ByteWriter& out, Type& type, unsigned which) {
  // Room for what writers leave behind their end.
  Bytes content(message::delta_header_bytes + 30 * message::record_bytes_max);
  std::uint8_t* at = content.data();
  Json rows = Json::array();
  const auto add = [&](const auto& row, auto&& write) {
    at = write(at, row);
    rows.push_back(fields(row));
  };
  const auto finish = [&](Type of, Json made) {
    const auto size = static_cast<std::size_t>(at - content.data());
    message::frame(out, type = of, size);
    out.write_bytes(View(content).first(size));
    return made;
  };
  const auto put_record = [](std::uint8_t* to, const message::Record& row) {
    return message::write_record(to, row.slot, row.mask, row.state);
  };
  const auto count = within<unsigned>(1, 25);
  switch (which) {
    case 0:
      for (unsigned i = 0; i < count; ++i)
        add(message::Audit{any<std::uint16_t>(), within<std::uint8_t>(0, 3), any<std::uint32_t>()},
            message::write_audit);
      return finish(Type::audit, {{"rows", rows}});
    case 1: {
      message::CreateEntity m;
      m.slot = any<std::uint16_t>();
      m.generation = within<std::uint8_t>(0, 3);
      m.own = prng_.chance(0.5);
      m.id = any<std::uint64_t>();
      m.type = any<std::uint8_t>();
      m.faction = any<std::uint8_t>();
      m.level = any<std::uint16_t>();
      m.state = state();
      type = Type::create_entity;
      return put(out, m);
    }
    case 2: {
      message::UpdateEntity m;
      m.slot = any<std::uint16_t>();
      m.mask = static_cast<std::uint8_t>(within<unsigned>(1, 31) | within<unsigned>(0, 3) << 6);
      fill(m.position);
      fill(m.rotation);
      fill(m.velocity);
      for (auto* byte : {&m.anim, &m.state_flags, &m.effect_flags, &m.health, &m.mana}) *byte = any<std::uint8_t>();
      type = Type::update_entity;
      return put(out, m);
    }
    case 3:
      for (unsigned i = 0; i < count; ++i)
        add(message::Removal{any<std::uint16_t>(), within<std::uint8_t>(0, 3), prng_.chance(0.5)},
            message::write_removal);
      return finish(Type::remove_entity, {{"rows", rows}});
    case 4: {
      const message::Record row = record();
      add(row, put_record);
      return finish(Type::update_entity_quantized, fields(row));
    }
    case 5: {
      const message::DeltaHeader head{any<std::uint32_t>(), any<std::uint16_t>()};
      base::store(at, head.tick);
      base::store(at + 4, head.applied_input);
      at += message::delta_header_bytes;
      for (unsigned i = 1; i < count; ++i) add(record(), put_record);
      return finish(Type::delta_sync, {{"tick", head.tick}, {"applied_input", head.applied_input}, {"records", rows}});
    }
    case 6: {
      const auto cell = any<std::uint16_t>();
      base::store(at, cell);
      at += message::block_header_bytes;
      for (unsigned i = 0; i < count; ++i)
        add(message::FarRecord{any<std::uint16_t>(), within<std::uint8_t>(0, 3), within<std::uint16_t>(0, 511),
                               within<std::uint16_t>(0, 511), within<std::uint8_t>(0, 127),
                               within<std::uint8_t>(0, 31)},
            [](std::uint8_t* to, const message::FarRecord& row) {
              message::write_far_record(to, row);
              return to + message::far_record_bytes;
            });
      return finish(Type::entity_block, {{"cell", cell}, {"rows", rows}});
    }
    default: {
      const bool is_float = which == 7;
      type = is_float ? Type::sync_entity : Type::sync_entity_quantized;
      return put(out, input(is_float));
    }
  }
}

Json Emitter::game_message(base::ByteWriter& out, Type& type, unsigned which) {
  switch (which) {
    case 0:
      type = Type::action;
      return put(out, message::Action{any<std::uint32_t>(), any<std::uint16_t>(), any<std::uint64_t>()});
    case 1:
      type = Type::action_result;
      return put(out, message::ActionResult{any<std::uint32_t>(), within<message::ActionOutcome>(0, 4)});
    case 2: {
      message::StateUpdate head{
          any<std::uint64_t>(), any<std::uint64_t>(), any<std::uint8_t>(), any<std::uint32_t>(), 0, {}};
      Bytes content(1000);
      base::ByteWriter value(content);
      message::StateUpdateWriter writer(value, head);
      Json components = Json::array();
      for (auto count = within<unsigned>(0, 5); count != 0; --count) {
        const message::Component component{symbol(), scratch_ = octets(0, 40)};
        if (writer.add(component.name, component.bytes)) components.push_back(fields(component));
      }
      const View made = writer.end();
      message::frame(out, type = Type::state_update, made.size());
      out.write_bytes(made);
      Json said = fields(head);
      said["components"] = components;
      return said;
    }
    case 3: {
      type = Type::input_command;
      scratch_ = octets(0, 200);
      return put(out, message::InputCommand{any<std::uint64_t>(), any<std::uint64_t>(), any<std::uint32_t>(), symbol(),
                                            scratch_});
    }
    case 4:
      type = Type::symbol;
      names_[1] = text(1, 64);
      return put(out, message::Symbol{within<std::uint16_t>(1, 65'535), view_of(names_[1])});
    case 5: {
      type = Type::chat;
      const auto scope = within<message::ChatScope>(0, 2);
      scratch_ = text(1, message::chat_text_bytes_max);
      return put(out, message::Chat{scope, scope == message::ChatScope::server ? 0 : any<std::uint64_t>(), scratch_});
    }
    default: {
      type = static_cast<Type>(within<unsigned>(0xD0, 0xFF));
      scratch_ = octets(0, 100);
      message::frame(out, type, scratch_.size());
      out.write_bytes(scratch_);
      return {{"bytes", hex(scratch_)}};
    }
  }
}

Json Emitter::drawn_message(Bytes& framed) {
  framed.assign(2000, 0);
  base::ByteWriter out(framed);
  Type type{};
  const auto which = within<unsigned>(0, 12 + 9 + 7 - 1);
  Json said = which < 12   ? control_message(out, type, which)
              : which < 21 ? entity_message(out, type, which - 12)
                           : game_message(out, type, which - 21);
  if (!out.ok()) throw std::logic_error("an encoder found no room");
  framed.resize(out.size());
  return {{"type", type}, {"fields", std::move(said)}};
}

/// The vector with what the engine's decoder makes of it.
Json answered(Json vector) {
  vector["expect"] = answer(vector);
  return vector;
}

Json Emitter::message(bool bad) {
  Bytes bytes;
  Json said = drawn_message(bytes);
  if (!bad) return {{"kind", "message"}, {"bytes", hex(bytes)}, {"expect", std::move(said)}};
  // Behind a length that is right again: what decides is the content.
  base::ByteReader in(bytes);
  message::Framed framed;
  if (!message::next(in, framed)) throw std::logic_error("an encoder framed wrongly");
  const Bytes content = tampered(Bytes(framed.content.begin(), framed.content.end()));
  Bytes again(content.size() + 12);
  base::ByteWriter out(again);
  message::frame(out, framed.type, content.size());
  out.write_bytes(content);
  return answered({{"kind", "message"}, {"bytes", hex(out.written())}});
}

Json Emitter::body(bool bad) {
  const auto channel = within<unsigned>(0, 2);
  std::uint8_t flags = wire::flag::sealed;
  Json said = {
      {"ack", nullptr}, {"first_id", nullptr}, {"fragment", nullptr}, {"messages", Json::array()}, {"framed", true}};
  Bytes bytes(40'000), rest(30'000);
  base::ByteWriter out(bytes), behind(rest);
  if (prng_.chance(0.5)) {
    flags |= wire::flag::acknowledgment;
    const channel::AckBlock block{std::max<std::uint64_t>(any<std::uint64_t>(), 1),
                                  any<std::uint16_t>() * channel::ack_delay_unit, any<std::uint64_t>()};
    channel::write_ack_block(out, block);
    said["ack"] = {{"largest", block.largest}, {"delay", block.delay / channel::ack_delay_unit}, {"mask", block.mask}};
  }
  if (channel != 0) {
    const auto id = any<std::uint16_t>();
    behind.write(id);
    said["first_id"] = id;
  }
  if (prng_.chance(0.25)) {
    flags |= wire::flag::fragment;
    const Bytes data = octets(8, 8);
    channel::FragmentHeader header{any<std::uint16_t>(), within<std::uint16_t>(0, 60'000), 0};
    header.total_bytes = header.offset_units * channel::BlockPool::unit_bytes + 8 + within<std::uint32_t>(0, 9);
    channel::write_fragment_header(behind, header);
    behind.write_bytes(data);
    said["fragment"] = {{"fragment_id", header.fragment_id},
                        {"offset", header.offset_units * channel::BlockPool::unit_bytes},
                        {"total_size", header.total_bytes},
                        {"data", hex(data)}};
  } else {
    for (auto count = within<unsigned>(1, 8); count != 0; --count) {
      Bytes framed;
      drawn_message(framed);
      base::ByteReader in(framed);
      message::Framed one;
      if (behind.size() + framed.size() > 7'000 || !message::next(in, one)) continue;
      behind.write_bytes(framed);
      said["messages"].push_back(Json::array({one.type, hex(one.content)}));
    }
    if (said["messages"].empty()) return body(bad);
    Bytes packed(9'000);
    channel::Packer packer;
    const std::size_t size = packer.pack(behind.written(), packed, nullptr);
    if (size != 0) {
      flags |= wire::flag::compressed;
      behind = base::ByteWriter(rest);
      behind.write_bytes(View(packed).first(size));
    }
  }
  out.write_bytes(behind.written());
  const Bytes whole(out.written().begin(), out.written().end());
  Json vector = {
      {"kind", "body"}, {"channel", channel}, {"flags", flags}, {"bytes", hex(bad ? tampered(whole) : whole)}};
  if (bad) return answered(std::move(vector));
  vector["expect"] = std::move(said);
  return vector;
}

Json Emitter::datagram(bool bad) {
  const bool sealed = prng_.chance(0.8);
  const auto protocol_id = any<std::uint64_t>();
  const Bytes key = octets(32, 32);
  const std::size_t tag = sealed ? wire::tag_bytes : 0;
  wire::Header header{};
  std::size_t clear = 0;
  if (sealed) {
    static constexpr std::uint8_t flags[] = {0, wire::flag::acknowledgment, wire::flag::key_phase, wire::flag::fragment,
                                             wire::flag::compressed | wire::flag::acknowledgment};
    header = {std::max<std::uint32_t>(any<std::uint32_t>(), 1), within<std::uint8_t>(0, 2),
              static_cast<std::uint8_t>(wire::flag::sealed | flags[prng_.below(std::size(flags))]),
              std::max<std::uint64_t>(any<std::uint64_t>() >> 1, 1)};
    clear = prng_.chance(0.2) ? 48 : 0;
  }
  const Bytes body = octets(clear, wire::datagram_bytes_max - wire::header_bytes - wire::crc_bytes - tag);
  Bytes bytes(wire::header_bytes + body.size() + tag + wire::crc_bytes);
  wire::compose_header(bytes.data(), header);
  std::copy(body.begin(), body.end(), bytes.begin() + wire::header_bytes);
  if (sealed)
    crypt::seal_in_place(key.data(), header.connection_id, header.sequence, bytes.data(), clear, body.size() - clear);
  wire::stamp_one(bytes, wire::CrcSeed(protocol_id));
  if (bad) {
    bytes = tampered(bytes);
    // What comes behind the CRC has to find it.
    if (prng_.chance(0.7) && bytes.size() > wire::crc_bytes) wire::stamp_one(bytes, wire::CrcSeed(protocol_id));
  }
  Json vector = {{"kind", "datagram"},
                 {"protocol_id", protocol_id},
                 {"key", hex(key)},
                 {"clear_bytes", clear},
                 {"bytes", hex(bytes)}};
  if (bad) return answered(std::move(vector));
  vector["expect"] = {{"connection_id", header.connection_id},
                      {"channel", header.channel},
                      {"flags", header.flags},
                      {"sequence", header.sequence},
                      {"body", hex(body)}};
  return vector;
}

Json Emitter::token(bool bad) {
  crypt::TokenKey key;
  key.key_id = any<std::uint32_t>();
  key.protocol_id = any<std::uint64_t>();
  key.server_id = any<std::uint64_t>();
  fill(key.secret.bytes());
  crypt::TokenClaims claims;
  fill(claims.id);
  fill(claims.secret.bytes());
  claims.player_id = any<std::uint64_t>() & crypt::player_id_max;
  claims.issued = claims.not_before = 1'700'000'000 + within<std::int64_t>(0, 1 << 30);
  claims.expiry = claims.issued + within<std::int64_t>(1, 86'400);
  claims.audience = key.server_id;
  claims.permissions = any<std::uint32_t>();
  const Bytes name = text(1, crypt::token_name_bytes_max);
  claims.name = view_of(name);
  const auto source = [](void* context, std::span<std::uint8_t> to) { static_cast<Emitter*>(context)->fill(to); };
  const auto issued = crypt::issue_token(key, claims, {source, this});
  if (!issued) throw std::logic_error("no token was issued");
  Json vector = {{"kind", "token"},
                 {"protocol_id", key.protocol_id},
                 {"key_id", key.key_id},
                 {"server_id", key.server_id},
                 {"now", claims.issued},
                 {"key", hex(key.secret.bytes())},
                 {"bytes", hex(bad ? tampered(issued.value()) : issued.value())}};
  if (bad) return answered(std::move(vector));
  vector["expect"] = {
      {"id", hex(claims.id)},        {"secret", hex(claims.secret.bytes())}, {"player_id", claims.player_id},
      {"issued", claims.issued},     {"not_before", claims.not_before},      {"expiry", claims.expiry},
      {"audience", claims.audience}, {"permissions", claims.permissions},    {"name", hex(name)}};
  return vector;
}

Json Emitter::apply() {
  message::EntityState known = state();
  message::Record change = record();
  if (prng_.chance(0.7))  // one section on at most, as a server's records are
    for (unsigned axis = 0; axis < 3; ++axis)
      change.state.section[axis] = static_cast<std::uint16_t>(known.section[axis] + prng_.below(3) - 1);
  Bytes bytes(message::record_bytes_max);
  bytes.resize(static_cast<std::size_t>(message::write_record(bytes.data(), change.slot, change.mask, change.state) -
                                        bytes.data()));
  return answered({{"kind", "apply"}, {"known", fields(known)}, {"record", hex(bytes)}});
}

Json Emitter::quantise() {
  const auto near_step = [&](double steps_per_unit, double range) {
    const double beside = prng_.chance(0.5) ? 0.5 : prng_.unit() - 0.5;  // half of them as near to a tie as a float is
    return static_cast<float>((std::round((prng_.unit() - 0.5) * 4 * range) + beside) / steps_per_unit);
  };
  std::array<std::uint16_t, 3> sections;
  for (auto& count : sections) count = within<std::uint16_t>(1, 64);
  constexpr float size_xy = 25'600, size_z = 6'400;
  std::array<float, 3> position;
  for (unsigned axis = 0; axis < 3; ++axis)
    position[axis] = static_cast<float>((prng_.unit() * 1.2 - 0.1) * sections[axis] * (axis < 2 ? size_xy : size_z));
  return answered({{"kind", "quantise"},
                   {"section_size_xy", size_xy},
                   {"section_size_z", size_z},
                   {"sections", sections},
                   {"position", position},
                   {"radians", near_step(65'536 / 6.283185307179586, 100'000)},
                   {"speed", near_step(1, 20'000)},
                   {"fraction", near_step(255, 140)},
                   {"alive", prng_.chance(0.9)}});
}

Json Emitter::motion() {
  const auto about = [&](double low, double high) { return static_cast<float>(low + prng_.unit() * (high - low)); };
  std::array<float, 3> position{about(-100, 820'000), about(-100, 820'000), about(0, 25'600)};
  // Half of them within some steps of a border.
  if (prng_.chance(0.5)) position[prng_.below(2)] = prng_.chance(0.5) ? about(-5, 5) : about(819'190, 819'205);
  return answered({{"kind", "motion"},
                   {"position", position},
                   {"velocity", {about(-700, 700), about(-700, 700), prng_.chance(0.5) ? 0.0F : about(-100, 100)}},
                   {"move", {within<int>(0, 254) - 127, within<int>(0, 254) - 127}},
                   {"yaw", any<std::int16_t>()},
                   {"buttons", within<unsigned>(0, 15)},
                   {"seconds", prng_.chance(0.5) ? 1.0F / 60 : about(0, 0.5)}});
}

/// What Reliable composes for the channels and for a long message on one of them, a few datagrams lost, doubled or
/// late, and now and then seconds between them.
Json Emitter::reliable() {
  channel::Pools pools(4096, 8, 8);
  channel::Reliable sender;
  sender.open(message::message_bytes_max);
  Json datagrams = Json::array();
  const auto queue = [&](wire::Channel channel, std::size_t low, std::size_t high) {
    const auto type = static_cast<Type>(within<unsigned>(0, 255));
    if (sender.send(pools, channel, type, octets(low, high), channel::Urgency::immediate, 0) != channel::Queued::yes)
      throw std::logic_error("no room for a message");
  };
  for (auto count = within<unsigned>(0, 30); count != 0; --count) queue(within<wire::Channel>(1, 2), 0, 200);
  if (prng_.chance(0.7)) queue(within<wire::Channel>(0, 2), 1'200, 6'000);
  while (true) {
    Bytes bytes(wire::body_bytes_max);
    base::ByteWriter out(bytes);
    const channel::Reliable::Composed made = sender.compose(pools, out, 0);
    if (!made.any()) break;
    datagrams.push_back({{"channel", made.channel}, {"fragment", made.fragment}, {"bytes", hex(out.written())}});
  }
  sender.clear(pools);
  for (std::size_t i = datagrams.size(); i > 1 && prng_.chance(0.9); --i)
    std::swap(datagrams[i - 1], datagrams[prng_.below(i)]);
  if (!datagrams.empty() && prng_.chance(0.3)) datagrams.push_back(Json(datagrams[prng_.below(datagrams.size())]));
  if (!datagrams.empty() && prng_.chance(0.3)) datagrams.erase(prng_.below(datagrams.size()));
  const std::size_t once = datagrams.size();
  if (prng_.chance(0.3))  // on channel 0 numbers come back
    for (std::size_t i = 0; i < 2 * once; ++i) datagrams.push_back(Json(datagrams[i]));
  unsigned at = 0;
  for (Json& datagram : datagrams) {
    static constexpr unsigned pauses[] = {1, 9, 10};
    if (prng_.chance(0.15)) at += pauses[prng_.below(std::size(pauses))];
    datagram["at"] = at;
  }
  return answered({{"kind", "reliable"}, {"message_bytes_max", message::message_bytes_max}, {"datagrams", datagrams}});
}

/// What is derived from secrets: every input that one of these kinds needs.
Json Emitter::secrets(const char* kind) {
  Json vector = {{"kind", kind},
                 {"protocol_id", any<std::uint64_t>()},
                 {"server_id", any<std::uint64_t>()},
                 {"connection_id", any<std::uint32_t>()},
                 {"epoch", any<std::uint8_t>()},
                 {"version", any<std::uint32_t>()},
                 {"index", any<std::uint16_t>()},
                 {"time", within<std::uint32_t>(0, 1 << 30)},
                 {"port", any<std::uint16_t>()},
                 {"token", hex(octets(1, crypt::token_bytes_max))},
                 {"cookie", hex(octets(48, 48))},
                 {"server_random", hex(octets(16, 16))},
                 {"address", hex(octets(16, 16))}};
  for (const char* name : {"client_secret", "server_secret", "secret", "c2s", "s2c", "next", "export", "root",
                           "exporter", "client_ephemeral"})
    vector[name] = hex(octets(32, 32));
  if (std::strcmp(kind, "integrity") == 0) {
    vector["nonce"] = hex(octets(16, 16));
  } else {
    vector["nonce"] = any<std::uint64_t>();
  }
  return answered(std::move(vector));
}

Json vector_of(Emitter& emitter, unsigned number) {
  const bool bad = number % 4 == 3;
  switch (const unsigned turn = number * 37 % 100; turn) {  // 37 and 100 share no divisor: all turns, evenly mixed
    case 0:
      return emitter.secrets("cookie");
    case 1:
      return emitter.secrets("keys");
    case 2:
      return emitter.secrets("rekey");
    case 3:
      return emitter.secrets("integrity");
    default:
      if (turn < 10) return emitter.token(bad);
      if (turn < 13) return emitter.quantise();
      if (turn < 15) return emitter.reliable();
      if (turn < 17) return emitter.motion();
      if (turn < 22) return emitter.apply();
      if (turn < 40) return emitter.datagram(bad);
      return turn < 60 ? emitter.body(bad) : emitter.message(bad);
  }
}

}  // namespace
}  // namespace serried::conformance

int main(int argc, char** argv) {
  std::uint64_t seed = 1, count = 1000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option != "--seed" && option != "--count") return 2;
    (option == "--seed" ? seed : count) = std::strtoull(argv[i + 1], nullptr, 0);
  }
  if (!serried::crypt::initialise()) return 2;
  serried::conformance::Emitter emitter(seed);
  for (unsigned number = 0; number < count; ++number) {
    serried::conformance::Json vector = serried::conformance::vector_of(emitter, number);
    vector["name"] = vector["kind"].get<std::string>() + "-" + std::to_string(number);
    std::cout << vector << '\n';
  }
  return 0;
}
