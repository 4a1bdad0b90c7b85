/// Holds the worked example of docs/wire-format.md, section 13, to the code: every ```hex block of the page has a name,
/// and is what the code makes of the values that the page gives. With SERRIED_PRINT_EXAMPLES=1 it prints all blocks.

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "channel/ack.h"
#include "channel/fragment.h"
#include "channel/pack.h"
#include "crypt/aead.h"
#include "crypt/cookie.h"
#include "crypt/integrity.h"
#include "crypt/keys.h"
#include "crypt/token.h"
#include "message/control.h"
#include "message/entity.h"
#include "message/game.h"
#include "message/input.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::message {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Blocks = std::map<std::string, Bytes>;

constexpr std::uint64_t protocol_id = 0x0123456789ABCDEF;
constexpr std::uint64_t server_id = 7;
constexpr std::uint32_t connection_id = 0x08001801;

/// count bytes that rise from `first`, the page's stand-in for randomness.
Bytes rising(std::uint8_t first, std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}
template <class Container>
void fill_rising(Container& to, std::uint8_t first) {
  const Bytes bytes = rising(first, to.size());
  std::copy(bytes.begin(), bytes.end(), to.begin());
}
crypt::Secret rising_secret(std::uint8_t first) {
  crypt::Secret secret;
  const auto bytes = secret.bytes();
  fill_rising(bytes, first);
  return secret;
}
/// An entropy that yields bytes rising from *context.
crypt::Entropy rising_entropy(std::uint8_t& first) {
  return {[](void* context, std::span<std::uint8_t> to) { fill_rising(to, *static_cast<std::uint8_t*>(context)); },
          &first};
}

template <class Range>
Bytes bytes_of(const Range& range) {
  return Bytes(range.begin(), range.end());
}

template <class Encode>
Bytes body_of(Encode&& encode_into) {
  Bytes bytes(1200);
  base::ByteWriter out(bytes);
  encode_into(out);
  EXPECT_TRUE(out.ok());
  bytes.resize(out.size());
  return bytes;
}

/// A whole datagram; sealed when there is a key, `clear_bytes` of its body left in clear.
Bytes datagram_of(const wire::Header& header, const Bytes& body, const crypt::Secret* key,
                  std::size_t clear_bytes = 0) {
  const std::size_t tag = key != nullptr ? wire::tag_bytes : 0;
  Bytes bytes(wire::header_bytes + body.size() + tag + wire::crc_bytes);
  wire::compose_header(bytes.data(), header);
  std::copy(body.begin(), body.end(), bytes.begin() + wire::header_bytes);
  if (key != nullptr)
    crypt::seal_in_place(key->data(), header.connection_id, header.sequence, bytes.data(), clear_bytes,
                         body.size() - clear_bytes);
  wire::stamp_one(bytes, wire::CrcSeed(protocol_id));
  return bytes;
}

EntityState example_state() {
  EntityState state;
  quantise_position(Geometry{}, {130'000.0F, 25'599.9F, 100.0F}, state);
  state.yaw = quantise_angle(1.5F);
  state.velocity = {quantise_speed(300.0F), quantise_speed(-299.6F), 0};
  state.anim = 2;
  state.state_flags = 0x05;
  state.effect_flags = 0x08;
  state.health = quantise_fraction(0.5F, true);
  state.mana = quantise_fraction(1.0F, true);
  return state;
}

void add_messages(Blocks& blocks) {
  const EntityState state = example_state();
  blocks["ping"] = body_of([](auto& out) { encode(out, Ping{0x1122334455667788, 1'000'000}); });
  CreateEntity create;
  create.slot = 0x0102;
  create.generation = 2;
  create.own = true;
  create.id = 42;
  create.type = 1;
  create.faction = 3;
  create.level = 60;
  create.state = state;
  blocks["create-entity"] = body_of([&](auto& out) { encode(out, create); });
  blocks["state-hash"] = body_of([&](auto& out) { out.write(state_hash(state)); });

  Bytes delta(delta_header_bytes + 2 * record_bytes_max);
  base::store<std::uint32_t>(delta.data(), 3'600);
  base::store<std::uint16_t>(delta.data() + 4, 9);
  std::uint8_t* at = delta.data() + delta_header_bytes;
  at = write_record(at, 0x0102, 0x80 | delta::position | delta::rotation, state);
  at = write_record(at, 0x0103, 0x40 | delta::section | delta::position | delta::flags, state);
  delta.resize(static_cast<std::size_t>(at - delta.data()));
  blocks["delta-sync"] = body_of([&](auto& out) {
    frame(out, Type::delta_sync, delta.size());
    out.write_bytes(delta);
  });

  Bytes block(block_header_bytes + 2 * far_record_bytes);
  base::store<std::uint16_t>(block.data(), 1'029);
  write_far_record(block.data() + 2, {0x0104, 1, 256, 511, 64, 16});
  write_far_record(block.data() + 8, {0xFFFF, 3, 511, 511, 127, 31});
  blocks["entity-block"] = body_of([&](auto& out) {
    frame(out, Type::entity_block, block.size());
    out.write_bytes(block);
  });

  Input input;
  input.sequence = 10;
  input.client_tick = 3'590;
  input.move_x = 127;
  input.move_y = -64;
  input.yaw = state.yaw;
  input.buttons = button::run | button::jump;
  input.predicted_section_mod4 = 1;
  input.predicted_quantised = state.position;
  blocks["sync-entity-quantized"] = body_of([&](auto& out) { encode(out, input); });
}

void add_game_messages(Blocks& blocks) {
  constexpr std::uint64_t timestamp_ns = 1'700'000'000'000'000'000;
  blocks["action"] = body_of([](auto& out) { encode(out, Action{5, 9, 42}); });
  blocks["action-result"] = body_of([](auto& out) { encode(out, ActionResult{5, ActionOutcome::not_now}); });
  blocks["symbol"] = body_of([](auto& out) { encode(out, Symbol{1, "jump"}); });
  InputCommand command;
  command.player = 42;
  command.timestamp_ns = timestamp_ns;
  command.sequence = 77;
  command.command = {1, {}};
  const Bytes value = rising(0x01, 3);
  command.bytes = value;
  blocks["input-command"] = body_of([&](auto& out) { encode(out, command); });

  Bytes room(200);
  base::ByteWriter content(room);
  StateUpdate head;
  head.timestamp_ns = timestamp_ns;
  head.entity = 42;
  head.priority = 1;
  head.sequence = 77;
  StateUpdateWriter writer(content, head);
  EXPECT_TRUE(writer.add({2, {}}, rising(0x64, 4)));
  EXPECT_TRUE(writer.add({0, "mana"}, rising(0x0A, 2)));
  StateUpdate update;
  EXPECT_TRUE(decode(writer.end(), update));
  blocks["state-update"] = body_of([&](auto& out) { encode(out, update); });
  blocks["chat"] = body_of([](auto& out) { encode(out, Chat{ChatScope::near, 0, base::as_bytes("ol\xC3\xA9")}); });
}

void add_bodies(Blocks& blocks) {
  blocks["reliable-handshake"] = body_of([](auto& out) {
    encode(out, ReliableHandshake{message_bytes_max, 0x12345678, 0x00010002});
  });
  blocks["reliable-body"] = body_of([&](auto& out) {
    out.template write<std::uint16_t>(7);
    out.write_bytes(blocks["symbol"]);
    out.write_bytes(blocks["input-command"]);
  });
  Bytes message = {static_cast<std::uint8_t>(Type::game_own)};
  while (message.size() < 1152) message.push_back(static_cast<std::uint8_t>(message.size() - 1));
  blocks["fragment-body"] = body_of([&](auto& out) {
    out.template write<std::uint16_t>(8);
    channel::write_fragment_header(out, {3, 1128 / 8, 1152});
    out.write_bytes(std::span(message).subspan(1128));
  });
  const std::string text(256, 'a');
  const Bytes plain = body_of([&](auto& out) {
    for (int i = 0; i < 2; ++i) encode(out, Chat{ChatScope::everybody, 42, base::as_bytes(text)});
  });
  blocks["plain-body"] = plain;
  channel::Packer packer;
  Bytes packed(plain.size());
  packed.resize(packer.pack(plain, packed, nullptr));
  blocks["packed-body"] = packed;
}

/// What comes after the handshake and needs its keys.
void add_epoch(Blocks& blocks, const crypt::SessionKeys& keys) {
  std::uint8_t server = 0x11, client = 0x31;
  const crypt::KeyPair server_pair = crypt::make_key_pair(rising_entropy(server));
  const crypt::KeyPair client_pair = crypt::make_key_pair(rising_entropy(client));
  blocks["rekey-request"] = body_of([&](auto& out) {
    encode(out, Type::rekey_request, Rekey{1, server_pair.public_key});
  });
  blocks["rekey-response"] = body_of([&](auto& out) {
    encode(out, Type::rekey_response, Rekey{1, client_pair.public_key});
  });
  crypt::Secret ee;
  ASSERT_TRUE(crypt::shared_secret(server_pair.secret, client_pair.public_key, ee));
  const crypt::SessionKeys next =
      crypt::derive_next_keys({connection_id, 1, server_pair.public_key, client_pair.public_key}, keys, ee);
  blocks["rekey-key-c2s"] = bytes_of(next.client_to_server.bytes());
  blocks["rekey-key-s2c"] = bytes_of(next.server_to_client.bytes());

  CheckIntegrity question{7, 3, {}};
  fill_rising(question.nonce, 0x50);
  blocks["check-integrity"] = body_of([&](auto& out) { encode(out, question); });
  crypt::IntegrityVersion version;
  version.version = question.version;
  version.secret = rising_secret(0x70);
  const IntegrityAnswer answer{
      question.version, question.index,
      crypt::integrity_answer(crypt::integrity_entry(version, question.index), question.nonce, keys.exporter)};
  blocks["integrity-answer"] = body_of([&](auto& out) { encode(out, answer); });
}

void add_handshake(Blocks& blocks) {
  const crypt::Secret token_secret = rising_secret(0x40);
  crypt::TokenKey token_key;
  token_key.key_id = 1;
  token_key.protocol_id = protocol_id;
  token_key.server_id = server_id;
  token_key.secret = rising_secret(0x20);
  crypt::TokenClaims claims;
  fill_rising(claims.id, 0x60);
  claims.secret = token_secret;
  claims.player_id = 42;
  claims.issued = claims.not_before = 1'700'000'000;
  claims.expiry = 1'700'000'300;
  claims.audience = server_id;
  claims.name = "Ada";
  std::uint8_t nonce = 0x80, client = 0xA0, server = 0xC0;
  const auto issued = crypt::issue_token(token_key, claims, rising_entropy(nonce));
  ASSERT_TRUE(static_cast<bool>(issued));
  const Bytes& token = issued.value();
  blocks["token"] = token;

  const crypt::KeyPair client_pair = crypt::make_key_pair(rising_entropy(client));
  const crypt::KeyPair server_pair = crypt::make_key_pair(rising_entropy(server));
  blocks["client-ephemeral"] = bytes_of(client_pair.public_key);
  blocks["server-ephemeral"] = bytes_of(server_pair.public_key);
  crypt::Cookie cookie;
  fill_rising(cookie, 0x01);
  blocks["proof"] = bytes_of(crypt::make_proof(token_secret, protocol_version, client_pair.public_key, cookie, token));
  Cookie answer;
  std::copy_n(client_pair.public_key.begin(), 8, answer.echo.begin());
  answer.cookie = cookie;
  blocks["cookie-datagram"] = datagram_of({0, 0, 0, 0}, body_of([&](auto& out) { encode(out, answer); }), nullptr);

  crypt::Secret ee, same;
  ASSERT_TRUE(crypt::shared_secret(server_pair.secret, client_pair.public_key, ee));
  ASSERT_TRUE(crypt::shared_secret(client_pair.secret, server_pair.public_key, same));
  ASSERT_TRUE(ee == same);
  blocks["ee"] = bytes_of(ee.bytes());
  crypt::KeyContext context;
  context.version = protocol_version;
  context.protocol_id = protocol_id;
  context.server_id = server_id;
  context.connection_id = connection_id;
  context.client_ephemeral = client_pair.public_key;
  context.server_ephemeral = server_pair.public_key;
  fill_rising(context.server_random, 0xE0);
  context.token_hash = crypt::sha256(token);
  const crypt::SessionKeys keys = crypt::derive_session_keys(context, token_secret, ee);
  blocks["key-c2s"] = bytes_of(keys.client_to_server.bytes());
  blocks["key-s2c"] = bytes_of(keys.server_to_client.bytes());
  add_epoch(blocks, keys);

  ConnectionAccepted accepted;
  accepted.input_rate_max_hz = 60;
  accepted.player_entity = std::uint64_t{1} << 63 | 42;
  accepted.server_time_us = 5'000'000;
  Bytes body = bytes_of(context.server_ephemeral);
  body.insert(body.end(), context.server_random.begin(), context.server_random.end());
  const Bytes sealed = body_of([&](auto& out) { encode(out, accepted); });
  body.insert(body.end(), sealed.begin(), sealed.end());
  blocks["connection-accepted-datagram"] =
      datagram_of({connection_id, 0, wire::flag::sealed, 1}, body, &keys.server_to_client, 48);

  const channel::AckBlock acked{300, 10 * millisecond, 0xFFFF'FFFF'FFFF'FFFD};
  Bytes update = body_of([&](auto& out) { channel::write_ack_block(out, acked); });
  update.insert(update.end(), blocks["delta-sync"].begin(), blocks["delta-sync"].end());
  blocks["update-body"] = update;
  const wire::Header header{connection_id, 0, wire::flag::sealed | wire::flag::acknowledgment, 259};
  blocks["update-datagram"] = datagram_of(header, update, &keys.server_to_client);
}

/// The named blocks of the page:  ```hex name  up to  ```
Blocks blocks_of_page() {
  Blocks blocks;
  std::ifstream page(SERRIED_SOURCE_ROOT "/docs/wire-format.md");
  EXPECT_TRUE(page.is_open());
  std::string name;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("```hex ", 0) == 0) {
      name = line.substr(7);
      EXPECT_EQ(blocks.count(name), 0U) << name << " is there twice";
      blocks[name];
    } else if (line == "```") {
      name.clear();
    } else if (!name.empty()) {
      std::istringstream words(line);
      for (std::string word; words >> word;)
        blocks[name].push_back(static_cast<std::uint8_t>(std::stoul(word, nullptr, 16)));
    }
  }
  return blocks;
}

std::string hex(const Bytes& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    static constexpr char digits[] = "0123456789abcdef";
    text += {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    text += i % 32 == 31 || i + 1 == bytes.size() ? '\n' : ' ';
  }
  return text;
}

TEST(WireFormatPage, ExampleIsWhatTheCodeMakes) {
  ASSERT_TRUE(crypt::initialise());
  Blocks made;
  add_messages(made);
  add_game_messages(made);
  add_bodies(made);
  add_handshake(made);
  if (std::getenv("SERRIED_PRINT_EXAMPLES") != nullptr)
    for (const auto& [name, bytes] : made) std::cout << "```hex " << name << '\n' << hex(bytes) << "```\n";
  const Blocks written = blocks_of_page();
  for (const auto& [name, bytes] : made) {
    ASSERT_EQ(written.count(name), 1U) << "the page has no block " << name;
    EXPECT_EQ(hex(written.at(name)), hex(bytes)) << name;
  }
  for (const auto& [name, bytes] : written)
    EXPECT_EQ(made.count(name), 1U) << "nothing makes the page's block " << name;
}

}  // namespace
}  // namespace serried::message
