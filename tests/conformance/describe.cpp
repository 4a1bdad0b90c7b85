#include "conformance/describe.h"

#include <stdexcept>

namespace serried::conformance {

using message::Type;

std::string hex(View bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

Bytes unhex(const std::string& digits) {
  if (digits.size() % 2 != 0) throw std::invalid_argument("half a byte");
  Bytes bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

namespace {

std::string hex_of(std::string_view text) {
  return hex(View(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace

Json fields(const message::Connect& m) {
  return {{"version", m.version},
          {"client_ephemeral", hex(m.client_ephemeral)},
          {"cookie", hex(m.cookie)},
          {"proof", hex(m.proof)},
          {"token", hex(m.token)}};
}
Json fields(const message::Cookie& m) { return {{"echo", hex(m.echo)}, {"cookie", hex(m.cookie)}}; }
Json fields(const message::ConnectionAccepted& m) {
  return {{"tick_rate_hz", m.tick_rate_hz},       {"input_rate_max_hz", m.input_rate_max_hz},
          {"idle_ping_ms", m.idle_ping_ms},       {"timeout_ms", m.timeout_ms},
          {"ack_delay_us", m.ack_delay_us},       {"tracked_max", m.tracked_max},
          {"player_entity", m.player_entity},     {"server_time_us", m.server_time_us},
          {"section_size_xy", m.section_size_xy}, {"section_size_z", m.section_size_z},
          {"sections_x", m.sections_x},           {"sections_y", m.sections_y},
          {"sections_z", m.sections_z},           {"cell_size_xy", m.cell_size_xy},
          {"cell_size_z", m.cell_size_z}};
}
Json fields(const message::ConnectionDenied& m) {
  return {{"reason", m.reason}, {"retry_after_ms", m.retry_after_ms}, {"echo", hex(m.echo)}};
}
Json fields(const message::Ping& m) { return {{"id", m.id}, {"time_us", m.time_us}}; }
Json fields(const message::Pong& m) { return {{"id", m.id}, {"time_us", m.time_us}, {"delay_us", m.delay_us}}; }
Json fields(const message::Disconnect& m) { return {{"reason", m.reason}, {"text", hex(m.text)}}; }
Json fields(const message::CryptoTest& m) { return {{"bytes", hex(m.bytes)}}; }
Json fields(const message::EnterToWorld& m) { return {{"flags", m.audit ? 1 : 0}}; }
Json fields(const message::ReliableHandshake& m) {
  return {{"message_bytes_max", m.message_bytes_max}, {"dictionary", m.dictionary}, {"build", m.build}};
}
Json fields(const message::CheckIntegrity& m) {
  return {{"version", m.version}, {"index", m.index}, {"bytes", hex(m.nonce)}};
}
Json fields(const message::Rekey& m) { return {{"epoch", m.epoch}, {"ephemeral", hex(m.ephemeral)}}; }

Json fields(const message::EntityState& m) {
  return {{"section", m.section},      {"position", m.position}, {"yaw", m.yaw},
          {"velocity", m.velocity},    {"anim", m.anim},         {"state", m.state_flags},
          {"effects", m.effect_flags}, {"health", m.health},     {"mana", m.mana}};
}
Json fields(const message::CreateEntity& m) {
  Json made = fields(m.state);
  made.update({{"slot", m.slot},
               {"generation", m.generation},
               {"flags", m.own ? 1 : 0},
               {"id", m.id},
               {"type", m.type},
               {"faction", m.faction},
               {"level", m.level}});
  return made;
}
Json fields(const message::UpdateEntity& m) {
  return {{"slot", m.slot},         {"mask", m.mask}, {"position", m.position}, {"rotation", m.rotation},
          {"velocity", m.velocity}, {"anim", m.anim}, {"state", m.state_flags}, {"effects", m.effect_flags},
          {"health", m.health},     {"mana", m.mana}};
}
Json fields(const message::Record& m) {
  namespace delta = message::delta;
  const Json all = fields(m.state);
  Json made = {{"slot", m.slot}, {"mask", m.mask}};
  const auto take = [&](std::uint8_t bit, std::initializer_list<const char*> names) {
    if (m.mask & bit)
      for (const char* name : names) made[name] = all[name];
  };
  take(delta::section, {"section"});
  take(delta::position, {"position"});
  if (m.mask & delta::position) made["mod4"] = m.section_mod4;
  take(delta::rotation, {"yaw"});
  take(delta::anim_state, {"anim"});
  take(delta::flags, {"state", "effects", "health", "mana"});
  take(delta::velocity, {"velocity"});
  return made;
}
Json fields(const message::Removal& m) {
  return {{"slot", m.slot}, {"generation", m.generation}, {"left", m.left_world ? 1 : 0}};
}
Json fields(const message::FarRecord& m) {
  return {{"slot", m.slot}, {"generation", m.generation}, {"x", m.x}, {"y", m.y}, {"z", m.z}, {"yaw", m.yaw}};
}
Json fields(const message::Audit& m) { return {{"slot", m.slot}, {"generation", m.generation}, {"hash", m.hash}}; }

Json fields(const message::Input& m) {
  Json made = {{"sequence", m.sequence}, {"client_tick", m.client_tick}, {"move_x", m.move_x}, {"move_y", m.move_y},
               {"yaw", m.yaw},           {"buttons", m.buttons}};
  if (m.predicted_float) {
    made["position"] = m.predicted;
  } else {
    made["mod4"] = m.predicted_section_mod4;
    made["position"] = m.predicted_quantised;
  }
  return made;
}

Json fields(const message::Action& m) { return {{"request", m.request}, {"action", m.action}, {"target", m.target}}; }
Json fields(const message::ActionResult& m) { return {{"request", m.request}, {"result", m.result}}; }
Json fields(const message::SymbolRef& m) { return {{"id", m.id}, {"name", hex_of(m.name)}}; }
Json fields(const message::Symbol& m) { return {{"id", m.id}, {"name", hex_of(m.name)}}; }
Json fields(const message::Chat& m) { return {{"scope", m.scope}, {"sender", m.sender}, {"text", hex(m.text)}}; }
Json fields(const message::Component& m) { return {{"component", fields(m.name)}, {"bytes", hex(m.bytes)}}; }
Json fields(const message::StateUpdate& m) {
  Json components = Json::array();
  message::ComponentReader reader(m);
  for (message::Component component; reader.next(component);) components.push_back(fields(component));
  return {{"timestamp", m.timestamp_ns},
          {"entity", m.entity},
          {"priority", m.priority},
          {"sequence", m.sequence},
          {"components", components}};
}
Json fields(const message::InputCommand& m) {
  return {{"player", m.player},
          {"timestamp", m.timestamp_ns},
          {"sequence", m.sequence},
          {"command", fields(m.command)},
          {"bytes", hex(m.bytes)}};
}

namespace {

template <class Message>
Json decoded(View content) {
  Message m;
  return decode(content, m) ? fields(m) : Json();
}

/// Rows of one kind up to the end of `in`; null when one of them is refused.
template <class Row, class Read>
Json rows(base::ByteReader in, Read&& read) {
  Json made = Json::array();
  while (in.remaining() != 0) {
    Row row;
    if (!read(in, row)) return {};
    made.push_back(fields(row));
  }
  return made;
}
Json under(const char* name, Json rows, Json head = Json::object()) {
  if (rows.is_null()) return rows;
  head[name] = std::move(rows);
  return head;
}

Json delta_sync(View content) {
  base::ByteReader in(content);
  Json head = {{"tick", in.read<std::uint32_t>()}, {"applied_input", in.read<std::uint16_t>()}};
  return in.ok() ? under("records", rows<message::Record>(in, message::read_record), std::move(head)) : Json();
}
Json entity_block(View content) {
  base::ByteReader in(content);
  Json head = {{"cell", in.read<std::uint16_t>()}};
  if (!in.ok()) return {};
  const auto read = [](base::ByteReader& from, message::FarRecord& row) {
    const View bytes = from.read_bytes(message::far_record_bytes);
    if (from.ok()) row = message::read_far_record(bytes.data());
    return from.ok();
  };
  return under("rows", rows<message::FarRecord>(in, read), std::move(head));
}
Json one_record(View content) {
  base::ByteReader in(content);
  message::Record record;
  return message::read_record(in, record) && in.complete() ? fields(record) : Json();
}
template <class Decode>
Json input(View content, bool is_float, Decode&& decode) {
  message::Input m;
  if (!decode(content, m)) return {};
  return m.predicted_float == is_float ? fields(m) : Json();
}

Json content_of(Type type, View content) {
  switch (type) {
    case Type::connect:
      return decoded<message::Connect>(content);
    case Type::cookie:
      return decoded<message::Cookie>(content);
    case Type::connection_accepted:
      return decoded<message::ConnectionAccepted>(content);
    case Type::connection_denied:
      return decoded<message::ConnectionDenied>(content);
    case Type::ping:
      return decoded<message::Ping>(content);
    case Type::pong:
    case Type::client_pong:
      return decoded<message::Pong>(content);
    case Type::disconnect:
      return decoded<message::Disconnect>(content);
    case Type::reliable_handshake:
      return decoded<message::ReliableHandshake>(content);
    case Type::crypto_test:
    case Type::crypto_test_ack:
      return decoded<message::CryptoTest>(content);
    case Type::check_integrity:
      return decoded<message::CheckIntegrity>(content);
    case Type::rekey_request:
    case Type::rekey_response:
    case Type::server_rekey_request:
    case Type::client_rekey_response:
      return decoded<message::Rekey>(content);
    case Type::audit:
      return under("rows", rows<message::Audit>(base::ByteReader(content), message::read_audit));
    case Type::create_entity:
      return decoded<message::CreateEntity>(content);
    case Type::update_entity:
      return decoded<message::UpdateEntity>(content);
    case Type::remove_entity:
      return under("rows", rows<message::Removal>(base::ByteReader(content), message::read_removal));
    case Type::update_entity_quantized:
      return one_record(content);
    case Type::delta_sync:
      return delta_sync(content);
    case Type::entity_block:
      return entity_block(content);
    case Type::sync_entity:
      return input(content, true, message::decode_sync_entity);
    case Type::sync_entity_quantized:
      return input(content, false, message::decode_sync_entity_quantized);
    case Type::enter_to_world:
      return decoded<message::EnterToWorld>(content);
    case Type::action:
      return decoded<message::Action>(content);
    case Type::action_result:
      return decoded<message::ActionResult>(content);
    case Type::state_update:
      return decoded<message::StateUpdate>(content);
    case Type::input_command:
      return decoded<message::InputCommand>(content);
    case Type::symbol:
      return decoded<message::Symbol>(content);
    case Type::chat:
      return decoded<message::Chat>(content);
    default:
      return type >= Type::game_own ? Json{{"bytes", hex(content)}} : Json();
  }
}

}  // namespace

Json describe(Type type, View content) {
  Json made = content_of(type, content);
  return made.is_null() ? made : Json{{"type", type}, {"fields", std::move(made)}};
}

}  // namespace serried::conformance
