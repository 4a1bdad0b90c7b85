/// Every decoder of messages on arbitrary bytes: as one body with its framing, and each decoder on the whole input as
/// its content. What decodes must encode to the very bytes that it came from: then no two contents mean the same, and
/// no bit of a message is silently ignored.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "message/control.h"
#include "message/entity.h"
#include "message/game.h"
#include "message/input.h"
#include "message/symbol_pool.h"

namespace {

using namespace serried;
using namespace serried::message;
using Bytes = std::span<const std::uint8_t>;

void demand(bool condition) {
  if (!condition) std::abort();
}

void demand_equal(Bytes a, Bytes b) {
  demand(a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0));
}

// `content` again, from what it was decoded to; `encode_again` writes the message.
template <class Encode>
void demand_same(Bytes content, Type type, Encode&& encode_again) {
  std::vector<std::uint8_t> bytes(framed_bytes(content.size()));
  base::ByteWriter out(bytes);
  encode_again(out);
  demand(out.ok() && out.room() == 0);
  base::ByteReader body(bytes);
  Framed framed;
  demand(next(body, framed) && body.complete() && framed.type == type);
  demand_equal(framed.content, content);
}

template <class Message>
void try_message(Bytes content, Type type) {
  Message message;
  if (decode(content, message)) demand_same(content, type, [&](base::ByteWriter& out) { encode(out, message); });
}

void try_crypto_test(Bytes content, Type type) {
  CryptoTest message;
  if (decode(content, message)) demand_same(content, type, [&](base::ByteWriter& out) { encode(out, type, message); });
}

void try_rekey(Bytes content, Type type) {
  Rekey message;
  if (decode(content, message)) demand_same(content, type, [&](base::ByteWriter& out) { encode(out, type, message); });
}

bool same_symbol(const SymbolRef& a, const SymbolRef& b) { return a.id == b.id && a.name == b.name; }

void try_again_with_ids(Bytes content, const Symbol& before) {
  Symbol message;
  demand(decode(content, message) && message.id == before.id && message.name == before.name);
}
void try_again_with_ids(Bytes content, const InputCommand& before) {
  InputCommand message;
  demand(decode(content, message) && same_symbol(message.command, before.command));
  demand_equal(message.bytes, before.bytes);
}
void try_again_with_ids(Bytes content, const StateUpdate& before) {
  StateUpdate message;
  demand(decode(content, message) && message.count == before.count);
}

// Ids are varints, of which a reader takes longer forms too: what is written again is no longer than what was read, and
// the same bytes when it is as long. Written and read once more it does not change.
template <class Message>
void try_with_ids(Bytes content, Type type) {
  Message message;
  if (!decode(content, message)) return;
  std::vector<std::uint8_t> bytes(framed_bytes(content.size()));
  base::ByteWriter out(bytes);
  encode(out, message);
  demand(out.ok());
  base::ByteReader body(out.written());
  Framed framed;
  demand(next(body, framed) && body.complete() && framed.type == type);
  if (framed.content.size() == content.size()) demand_equal(framed.content, content);
  try_again_with_ids(framed.content, message);
}

// What decodes can be read to its end, component by component, and written piece by piece to what was there; names that
// are bound resolve to themselves.
void try_state_update(Bytes content) {
  StateUpdate update;
  if (!decode(content, update)) return;
  std::vector<std::uint8_t> bytes(content.size());
  base::ByteWriter out(bytes);
  StateUpdateWriter writer(out, update);
  static SymbolPool pool(SymbolPool::symbols_max);
  SymbolBinder binder;
  pool.clear();
  ComponentReader reader(update);
  unsigned components = 0;
  for (Component component; reader.next(component); ++components) {
    demand(writer.add(component.name, component.bytes));
    if (component.name.id != 0) {
      demand(pool.bind({component.name.id, "bound"}) != Bound::malformed);
    } else if (const Symbol offered = binder.offer(component.name.name); offered.id != 0) {
      binder.bind(offered);
      demand(binder.refer(component.name.name).id == offered.id);
    }
  }
  demand(reader.ok() && components == update.count);
  StateUpdate again;
  demand(decode(writer.end(), again) && again.count == update.count);
  if (again.components.size() == update.components.size()) demand_equal(again.components, update.components);
  if (update.count <= SymbolPool::symbols_max) demand(pool.binds_all(update));
}

void try_game(Bytes content) {
  try_message<Action>(content, Type::action);
  try_message<ActionResult>(content, Type::action_result);
  try_message<Chat>(content, Type::chat);
  try_with_ids<Symbol>(content, Type::symbol);
  try_with_ids<InputCommand>(content, Type::input_command);
  try_with_ids<StateUpdate>(content, Type::state_update);
  try_state_update(content);
}

void try_inputs(Bytes content) {
  Input input;
  const auto again = [&](base::ByteWriter& out) { encode(out, input); };
  if (decode_sync_entity(content, input)) demand_same(content, Type::sync_entity, again);
  if (decode_sync_entity_quantized(content, input)) demand_same(content, Type::sync_entity_quantized, again);
}

// Records one after another, each written again and merged into one entity; a refused merge must change nothing.
void try_records(Bytes content) {
  base::ByteReader in(content);
  EntityState known;
  known.section = {0, 65'535, 7};
  for (Record record; in.remaining() != 0;) {
    const std::uint8_t* from = in.position();
    if (!read_record(in, record)) {
      demand(!in.ok() && in.remaining() == 0);
      break;
    }
    std::uint8_t again[record_bytes_max];
    EntityState state = record.state;
    if (!(record.mask & delta::section) && (record.mask & delta::position))
      for (unsigned axis = 0; axis < 3; ++axis)
        state.section[axis] = static_cast<std::uint16_t>(record.section_mod4 >> (2 * axis) & 3);
    const std::uint8_t* end = write_record(again, record.slot, record.mask, state);
    const auto taken = static_cast<std::size_t>(in.position() - from);
    demand_equal({again, static_cast<std::size_t>(end - again)}, {from, taken});
    const EntityState before = known;
    if (!apply_record(record, known)) demand(known == before);
    demand(known.zero == EntityState{}.zero);
    demand(state_hash(known) == state_hash(EntityState(known)));
  }
}

void try_removals(Bytes content) {
  base::ByteReader in(content);
  for (Removal removal; in.remaining() != 0;) {
    const std::uint8_t* from = in.position();
    if (!read_removal(in, removal)) break;
    std::uint8_t again[removal_bytes];
    demand(write_removal(again, removal) == again + removal_bytes);
    demand_equal(again, {from, removal_bytes});
  }
}

void try_audits(Bytes content) {
  base::ByteReader in(content);
  for (Audit audit; in.remaining() != 0;) {
    const std::uint8_t* from = in.position();
    if (!read_audit(in, audit)) break;
    std::uint8_t again[audit_bytes];
    demand(write_audit(again, audit) == again + audit_bytes);
    demand_equal(again, {from, audit_bytes});
  }
}

void try_far_records(Bytes content) {
  for (; content.size() >= far_record_bytes; content = content.subspan(far_record_bytes)) {
    std::uint8_t again[far_record_bytes];
    write_far_record(again, read_far_record(content.data()));
    demand_equal(again, content.first(far_record_bytes));
  }
}

void try_all(Bytes content) {
  try_message<Connect>(content, Type::connect);
  try_message<Cookie>(content, Type::cookie);
  try_message<ConnectionAccepted>(content, Type::connection_accepted);
  try_message<ConnectionDenied>(content, Type::connection_denied);
  try_message<Ping>(content, Type::ping);
  try_message<Pong>(content, Type::pong);
  try_message<Disconnect>(content, Type::disconnect);
  try_crypto_test(content, Type::crypto_test);
  try_crypto_test(content, Type::crypto_test_ack);
  try_message<EnterToWorld>(content, Type::enter_to_world);
  try_message<ReliableHandshake>(content, Type::reliable_handshake);
  try_message<CheckIntegrity>(content, Type::check_integrity);
  try_message<IntegrityAnswer>(content, Type::check_integrity);
  try_rekey(content, Type::rekey_request);
  try_rekey(content, Type::client_rekey_response);
  try_message<CreateEntity>(content, Type::create_entity);
  try_message<UpdateEntity>(content, Type::update_entity);
  try_game(content);
  try_inputs(content);
  try_records(content);
  try_removals(content);
  try_audits(content);
  try_far_records(content);
}

// The framing of a whole body: messages lie inside it, one behind the other, and the end is clean or an error.
void try_body(Bytes bytes) {
  base::ByteReader body(bytes);
  const std::uint8_t* end = bytes.data();
  for (Framed framed; next(body, framed);) {
    demand(framed.content.data() > end && framed.content.data() + framed.content.size() <= bytes.data() + bytes.size());
    end = framed.content.data() + framed.content.size();
    demand(end == body.position());
    try_all(framed.content);
  }
  demand(body.remaining() == 0 && (!body.ok() || end == bytes.data() + bytes.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_body({data, size});
  try_all({data, size});
  return 0;
}
