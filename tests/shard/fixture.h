#pragma once
/// The shard half of an engine without the rest: shard lanes behind their rings, a wire that loses, doubles, delays and
/// reorders bodies, and clients that know the protocol's rules and nothing else.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/prng.h"
#include "games/reference/game.h"
#include "message/entity.h"
#include "message/game.h"
#include "session/id.h"
#include "shard/shard_lane.h"

namespace serried::shard::test {

/// What a correct client does with replication bodies (docs/wire-format.md section 6).
class ModelClient {
 public:
  struct Entity {
    std::uint64_t id = 0;
    std::uint8_t generation = 0;
    bool own = false;
    message::EntityState state;
  };

  void receive(std::uint64_t sequence, std::span<const std::uint8_t> body) {
    base::ByteReader reader(body);
    message::Framed framed;
    bool first = true;
    while (message::next(reader, framed)) {
      if (first != (framed.type == message::Type::delta_sync)) fault("DeltaSync must be first, and once");
      first = false;
      apply(sequence, framed);
    }
    if (!reader.ok()) fault("broken framing");
  }

  std::map<std::uint16_t, Entity> entities;
  std::map<std::uint16_t, std::uint32_t> far_seen;  ///< slot -> tick of the datagram
  std::uint64_t audits_right = 0, audits_wrong = 0, audits_skipped = 0;
  std::uint16_t applied_input = 0;
  std::uint32_t tick = 0;
  std::vector<std::string> faults;

 private:
  void fault(const std::string& what) { faults.push_back(what); }

  /// Whether `sequence` may still change what is known of `slot`.
  bool fresh(std::uint16_t slot, std::uint64_t sequence) { return sequence >= last_[slot]; }

  void apply(std::uint64_t sequence, const message::Framed& framed) {
    base::ByteReader reader(framed.content);
    switch (framed.type) {
      case message::Type::delta_sync: {
        const auto datagram_tick = reader.read<std::uint32_t>();
        const auto applied = reader.read<std::uint16_t>();
        datagram_tick_ = datagram_tick;
        if (datagram_tick > tick) {
          tick = datagram_tick;
          applied_input = applied;
        }
        message::Record record;
        while (reader.remaining() != 0 && message::read_record(reader, record)) apply_record(sequence, record);
        break;
      }
      case message::Type::create_entity: {
        message::CreateEntity create;
        if (!message::decode(framed.content, create)) return fault("create does not decode");
        if (fresh(create.slot, sequence)) {
          entities[create.slot] = {create.id, create.generation, create.own, create.state};
          last_[create.slot] = sequence;
        }
        return;
      }
      case message::Type::remove_entity: {
        message::Removal removal;
        while (reader.remaining() != 0 && message::read_removal(reader, removal)) {
          const auto known = entities.find(removal.slot);
          if (!fresh(removal.slot, sequence)) continue;
          if (known != entities.end() && known->second.generation == removal.generation) entities.erase(known);
          last_[removal.slot] = sequence;
        }
        break;
      }
      case message::Type::entity_block: {
        reader.skip(2);
        while (reader.remaining() >= message::far_record_bytes) {
          const auto bytes = reader.read_bytes(message::far_record_bytes);
          far_seen[message::read_far_record(bytes.data()).slot] = datagram_tick_;
        }
        break;
      }
      case message::Type::audit: {
        message::Audit audit;
        while (reader.remaining() != 0 && message::read_audit(reader, audit)) check(sequence, audit);
        break;
      }
      default:
        fault("a message of type " + std::to_string(static_cast<int>(framed.type)));
    }
    if (!reader.complete())
      fault("a message of type " + std::to_string(static_cast<int>(framed.type)) + " is cut short");
  }

  void apply_record(std::uint64_t sequence, const message::Record& record) {
    const auto known = entities.find(record.slot);
    if (known == entities.end() || known->second.generation != record.generation()) return;
    if (!fresh(record.slot, sequence)) return;
    if (!message::apply_record(record, known->second.state)) fault("a position two sections off");
    last_[record.slot] = sequence;
  }

  void check(std::uint64_t sequence, const message::Audit& audit) {
    const auto known = entities.find(audit.slot);
    if (!fresh(audit.slot, sequence) || known == entities.end() || known->second.generation != audit.generation) {
      // Only a newer datagram may have taken the entity away.
      if (fresh(audit.slot, sequence)) ++audits_wrong;
      ++audits_skipped;
      return;
    }
    ++(message::state_hash(known->second.state) == audit.hash ? audits_right : audits_wrong);
  }

  std::map<std::uint16_t, std::uint64_t> last_;
  std::uint32_t datagram_tick_ = 0;
};

struct Weather {
  double loss = 0, duplicate = 0, ack_loss = 0, lost_report = 1;
  unsigned delay_ticks_min = 0, delay_ticks_max = 0;  ///< each way
  std::uint32_t window = 0;                           ///< bytes in flight to one player; 0: any number
};

/// One player: a session of an io lane, and the client behind the wire.
struct Player {
  std::uint64_t id = 0;
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  unsigned shard = 0;
  bool playing = false;
  std::uint16_t input_sequence = 0;
  std::uint64_t sequence = 0;                            ///< of the last datagram to this player
  std::uint32_t taken = 0;                               ///< charges of what came out of the ring, modulo 2^32
  std::uint32_t in_flight = 0;                           ///< of those, what was not reported back
  std::vector<std::vector<std::uint8_t>> game_messages;  ///< that came, type first
  ModelClient client;
};

/// A set-up, and that of the game which is played in it.
struct GameSetup : ShardSetup {
  games::reference::Config reference;

  /// `of` outlives whatever is built of the answer.
  [[nodiscard]] ShardSetup with(const games::reference::Game& of) const {
    ShardSetup setup = *this;
    setup.game = of.callbacks();
    return setup;
  }
};

class ShardRig {
 public:
  explicit ShardRig(const GameSetup& setup, std::uint64_t seed = 1, unsigned buffers = 4'096)
      : random(seed), game(setup.reference), simulation(setup.with(game)), memory_(buffers * buffer_bytes) {
    const unsigned shards = setup.shards;
    SERRIED_CHECK(shards != 0);
    setup_ = setup;
    for (unsigned shard = 0; shard < shards; ++shard) {
      links.push_back(std::make_unique<link::IoShardLink>(8'192, buffers));
      lanes.push_back(
          std::make_unique<ShardLane>(simulation, shard, std::vector<link::IoShardLink*>{links.back().get()}));
    }
    for (unsigned i = 0; i < buffers; ++i) {
      const unsigned shard = i % shards;
      give_back(shard, memory_.data() + std::size_t{i} * buffer_bytes);
    }
  }

  /// A player of io lane 0, on the shard that the player is dealt to.
  Player& join(std::uint64_t player_id, bool audit = false) {
    auto player = std::make_unique<Player>();
    player->id = player_id;
    player->session = free_sessions_.empty() ? next_session_++ : free_sessions_.back();
    if (!free_sessions_.empty()) free_sessions_.pop_back();
    player->connection_id = session::make_id(0, player->session, connections_++);
    player->shard = static_cast<unsigned>(base::mix(player_id) % setup_.shards);
    player->playing = true;
    links[player->shard]->session_events.push(link::SessionEvent::Join{
        .connection_id = player->connection_id, .session = player->session, .audit = audit, .player_id = player_id});
    players.push_back(std::move(player));
    links[players.back()->shard]->inputs.push(acks_of(*players.back()));
    return *players.back();
  }

  void leave(Player& player, bool linger = false) {
    player.playing = false;
    free_sessions_.push_back(player.session);
    links[player.shard]->session_events.push(
        link::SessionEvent::Leave{.connection_id = player.connection_id, .session = player.session, .linger = linger});
  }

  /// A game message, type first, as an io lane hands it over: in a buffer, or longer ones in a block.
  bool post(const Player& player, std::span<const std::uint8_t> message) {
    link::IoShardLink& link = *links[player.shard];
    const auto bytes = static_cast<std::uint32_t>(message.size());
    link::GameMessage lent;
    if (message.size() > link::out_body_bytes_max) {
      blocks.emplace_back(message.begin(), message.end());
      lent = link::GameMessage::in_block(blocks.back().data(), static_cast<std::uint16_t>(blocks.size() - 1), bytes);
    } else {
      wire::Buffer buffer;
      SERRIED_CHECK(link.empties.pop(&buffer, 1) == 1);
      lent = link::GameMessage::in_buffer(buffer, bytes);
      std::copy(message.begin(), message.end(), lent.message);
    }
    lent.connection_id = player.connection_id;
    lent.channel = wire::Channel::reliable_ordered;
    if (link.game_messages.push(lent)) return true;
    if (lent.lies_in_buffer()) link.empties.push(lent.buffer());
    return false;
  }
  template <class Message>
  bool say(const Player& player, const Message& message) {
    return post(player, type_first(message));
  }
  template <class Message>
  static std::vector<std::uint8_t> type_first(const Message& message) {
    std::vector<std::uint8_t> framed(std::size_t{1} << 20);
    base::ByteWriter out{framed};
    encode(out, message);
    SERRIED_CHECK(out.ok());
    base::ByteReader in{out.written()};
    in.read_varint();
    const auto rest = in.read_rest();
    return {rest.begin(), rest.end()};
  }

  /// Buffers in the rings: all of them, when the lanes hold none.
  std::size_t buffers_home() const {
    std::size_t count = 0;
    for (const auto& link : links) count += link->empties.size();
    return count;
  }

  void input(Player& player, std::int8_t move_x, std::int8_t move_y, std::uint8_t buttons = 0, std::int16_t yaw = 0) {
    links[player.shard]->inputs.push({.connection_id = player.connection_id,
                                      .send_limit = limit_of(player),
                                      .input_sequence = ++player.input_sequence,
                                      .yaw = yaw,
                                      .move_x = move_x,
                                      .move_y = move_y,
                                      .buttons = buttons,
                                      .has_input = 1});
  }

  /// One whole tick of all shards, polled in a random order, then what they sent goes onto the wire and what is due
  /// comes off it.
  void tick() {
    now += second / setup_.world.ticks_per_second + 1;
    const std::uint32_t wanted = lanes[0]->tick() + 1;
    for (unsigned polls = 0; polls < 1'000'000; ++polls) {
      lanes[random.below(lanes.size())]->poll(now);
      const bool done = std::all_of(lanes.begin(), lanes.end(),
                                    [&](const auto& lane) { return lane->idle() && lane->tick() == wanted; });
      if (done) break;
    }
    SERRIED_CHECK(lanes[0]->tick() == wanted && lanes[0]->idle());
    collect();
    deliver();
  }
  void ticks(unsigned count) {
    for (unsigned i = 0; i < count; ++i) tick();
  }

  base::Prng random;
  games::reference::Game game;
  Simulation simulation;
  std::vector<std::unique_ptr<link::IoShardLink>> links;
  std::vector<std::unique_ptr<ShardLane>> lanes;
  std::vector<std::unique_ptr<Player>> players;
  Weather weather;
  Nanos now = 1'000'000'000;
  std::size_t largest_body = 0;
  std::uint64_t bodies = 0, body_bytes = 0;
  std::vector<link::Notice> notices;
  std::vector<std::vector<std::uint8_t>> blocks;  ///< of game messages that came in fragments
  std::vector<std::uint16_t> blocks_back;
  unsigned buffers_back = 0;

 private:
  static constexpr std::size_t buffer_bytes = 1'280;

  struct SentPacket {
    Player* player;
    std::uint64_t sequence;
    std::uint16_t plan;
    std::uint32_t charge;
    std::uint32_t due;
    bool ack, lost;
    std::vector<std::uint8_t> body;
  };

  void give_back(unsigned shard, std::uint8_t* data) { links[shard]->empties.push({data, data}); }

  std::uint32_t limit_of(const Player& player) const {
    if (weather.window == 0) return player.taken + (1U << 30);
    return player.taken + weather.window - std::min(player.in_flight, weather.window);
  }
  link::InputRow acks_of(const Player& player) const {
    return {.connection_id = player.connection_id, .send_limit = limit_of(player)};
  }

  Player* player_of(std::uint32_t connection_id) {
    for (auto& player : players)
      if (player->connection_id == connection_id) return player.get();
    return nullptr;
  }

  std::uint32_t delay() {
    return weather.delay_ticks_min +
           static_cast<std::uint32_t>(random.below(weather.delay_ticks_max - weather.delay_ticks_min + 1));
  }

  void collect() {
    const std::uint32_t tick = lanes[0]->tick();
    for (unsigned shard = 0; shard < links.size(); ++shard) {
      link::OutRow row;
      while (links[shard]->filled.pop(&row, 1) == 1) {
        if (row.kind() != link::OutRow::Kind::datagram) {
          take_other(shard, row);
          continue;
        }
        const link::OutRow::Datagram& out = row.datagram();
        SERRIED_CHECK(out.plan != 0 && out.body == static_cast<std::uint8_t*>(out.owner) + link::body_offset);
        largest_body = std::max<std::size_t>(largest_body, out.body_bytes);
        ++bodies;
        body_bytes += out.body_bytes;
        Player* player = player_of(out.connection_id);
        if (player != nullptr && player->playing) send(*player, out, tick);
        give_back(shard, static_cast<std::uint8_t*>(out.owner));
      }
      link::Notice notice;
      while (links[shard]->notices.pop(&notice, 1) == 1) notices.push_back(notice);
    }
  }

  /// A row that is no datagram.
  void take_other(unsigned shard, const link::OutRow& row) {
    if (row.kind() == link::OutRow::Kind::block_back) return blocks_back.push_back(row.block_back().block);
    Player* const player = row.has_session() ? player_of(row.connection_id()) : nullptr;
    if (row.kind() == link::OutRow::Kind::shared) {
      const auto message = row.shared().message->message;
      if (player != nullptr) player->game_messages.emplace_back(message.begin(), message.end());
      return;
    }
    if (player != nullptr) {
      const link::OutRow::Message& out = row.message();
      SERRIED_CHECK(out.channel == wire::Channel::reliable_ordered && out.body_bytes != 0);
      if (player->playing) player->game_messages.emplace_back(out.body, out.body + out.body_bytes);
    }
    if (row.kind() == link::OutRow::Kind::buffer_back) ++buffers_back;
    SERRIED_CHECK(row.buffer().data == row.buffer().owner);
    give_back(shard, row.buffer().data);
  }

  void send(Player& player, const link::OutRow::Datagram& row, std::uint32_t tick) {
    const std::uint64_t sequence = ++player.sequence;
    player.taken += row.charge();
    player.in_flight += row.charge();
    const std::vector<std::uint8_t> body(row.body, row.body + row.body_bytes);
    if (random.chance(weather.loss)) {
      if (random.chance(weather.lost_report))
        flights_.push_back({&player, sequence, row.plan, row.charge(), tick + 2 * delay() + 3, false, true, {}});
      return;
    }
    flights_.push_back({&player, sequence, row.plan, row.charge(), tick + delay(), false, false, body});
    if (random.chance(weather.duplicate))
      flights_.push_back({&player, sequence, row.plan, row.charge(), tick + delay(), false, false, body});
  }

  /// Datagrams to clients, then acks and loss reports to shards, each in the order in which it becomes due.
  void deliver() {
    const std::uint32_t tick = lanes[0]->tick();
    std::vector<SentPacket> due;
    std::erase_if(flights_, [&](SentPacket& packet) {
      if (packet.due > tick) return false;
      due.push_back(std::move(packet));
      return true;
    });
    for (std::size_t i = due.size(); i > 1; --i) std::swap(due[i - 1], due[random.below(i)]);  // reordered
    for (SentPacket& packet : due) {
      Player& player = *packet.player;
      if (!player.playing) continue;
      if (packet.ack || packet.lost) {
        player.in_flight -= std::min(packet.charge, player.in_flight);
        link::InputRow row = acks_of(player);
        (packet.ack ? row.plan_acked : row.plan_lost) = packet.plan;
        (packet.ack ? row.plan_acked_mask : row.plan_lost_mask) = 1;
        links[player.shard]->inputs.push(row);
        continue;
      }
      player.client.receive(packet.sequence, packet.body);
      if (!random.chance(weather.ack_loss))
        flights_.push_back({&player, packet.sequence, packet.plan, packet.charge, tick + delay(), true, false, {}});
    }
  }

  ShardSetup setup_;
  std::vector<std::uint8_t> memory_;
  std::vector<SentPacket> flights_;
  std::vector<std::uint32_t> free_sessions_;
  std::uint32_t next_session_ = 0;
  std::uint64_t connections_ = 0;
};

}  // namespace serried::shard::test
