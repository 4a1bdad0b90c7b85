#include "io/measured_sessions.h"

#include "base/check.h"
#include "base/setup.h"

namespace serried::io {

SERRIED_SETUP void open_measured_sessions(IoState& state, const session::Measurement& measurement, Nanos now) noexcept {
  const session::MeasurementConfig& config = measurement.config();
  for (std::uint32_t number = state.table.lane(); number < config.players; number += config.lanes) {
    const session::Measurement::Player player = measurement.player(number);
    const std::uint32_t slot = state.table.allocate(player.random, now);
    SERRIED_CHECK(slot == player.slot);
    session::Admission& session = state.table.admission(slot);
    SERRIED_CHECK(session.connection_id == player.connection_id);
    session.state = session::State::playing;
    // Evenly, whatever a hash of so few would do: each shard has room for its part and little more.
    session.shard = static_cast<std::uint8_t>(slot % state.shards.size());
    state.table.peer(slot).path = player.path;
    state.table.peer(slot).receive_key = player.keys.client_to_server;
    state.table.outbound(slot).send_key = player.keys.server_to_client;
    session::Cold& cold = state.table.cold(slot);
    cold.rekey.next = player.keys.next;
    cold.rekey.since = now;
    cold.exporter = player.keys.exporter;
    cold.player_id = player.id;
    cold.in_world = cold.join_waits = true;
    const bool queued = state.session_events.push(
        {session.shard,
         link::SessionEvent::Join{.connection_id = player.connection_id, .session = slot, .player_id = player.id}});
    SERRIED_CHECK(queued);
  }
}

}  // namespace serried::io
