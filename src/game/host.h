#pragma once
/// The seam between the engine and its game: one table of callbacks, each for a slice of spawns, rows or messages and
/// one system. The engine includes nothing of a game. Which game runs is decided where the table is filled: in the
/// server's main, in the rig of a test.
///
///     a tick on a shard    spawn_players | slice of rows: think, (move), step, ... | (replicate)
///     between the steps    on_messages, as messages come
///
/// All shards call at the same time, so the context is constant. What a game keeps of a player lies in memory of the
/// engine (PlayerMemory), which the player's shard alone touches. The outcome must not depend on the size or order of
/// slices, nor on the number of shards: whatever is random is a function of (seed, tick, id).

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "serried/time.h"
#include "world/config.h"
#include "world/frame.h"

namespace serried::game {

/// A column with one object of the game's for each player of a shard, indexed by Identity::owner. The objects are plain
/// memory; all bytes are zero at first.
struct PlayerMemory {
  std::byte* first = nullptr;
  std::uint32_t bytes = 0;  ///< of one object

  /// Precondition: T is what the table's size was taken of.
  template <class T>
  [[nodiscard]] T& at(std::uint32_t player) const noexcept {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    return *reinterpret_cast<T*>(first + std::size_t{player} * bytes);
  }
  void clear(std::uint32_t player) const noexcept { std::memset(first + std::size_t{player} * bytes, 0, bytes); }
};

// ---- spawns

inline constexpr unsigned spawns_per_slice = 64;

/// New entities. Id, type and owner are set; the game sets the rest, as a function of seed and id: it is asked again
/// for a player whose message comes before the player is placed.
struct PlayerSpawnSlice {
  const world::Config& world;
  std::uint64_t seed;
  std::span<const std::uint64_t> player_ids;  ///< by spawn
  std::span<world::Spawn> spawns;
};
struct NpcSpawnSlice {
  const world::Config& world;
  std::uint64_t seed;
  std::span<world::Spawn> spawns;
};

// ---- rows

/// Before the rows [first, last) move in `tick`: what those that are no players want from now on.
/// Reads   previous, identity
/// Writes  identity.intent of living rows of the slice that were not spawned in `tick`
struct ThinkSlice {
  const world::Config& world;
  std::uint64_t seed;
  std::uint32_t tick;
  const world::Frame& previous;
  world::Identity& identity;
  std::size_t first, last;
};

/// After they moved.
/// Reads   identity
/// Writes  next, own rows; players
struct StepSlice {
  std::uint32_t tick;
  const world::Identity& identity;
  world::Frame& next;
  PlayerMemory players;
  std::size_t first, last;
};

// ---- messages

/// One message makes at most so many answers, of so many bytes with their lengths.
inline constexpr unsigned answers_max = 4;
inline constexpr std::size_t answers_bytes_max = 512;
inline constexpr unsigned messages_per_slice = 8;

/// The sender of a message, as of the last step.
struct Sender {
  std::uint64_t player_id = 0;
  std::array<float, 3> position{};
  std::uint16_t health = 0;
  std::uint16_t input = 0;   ///< sequence of the newest input that was applied
  std::uint32_t player = 0;  ///< index into MessageSlice::players and ::sessions
};

struct Message {
  Sender sender;
  std::span<const std::uint8_t> bytes;  ///< type first, at least that
};

/// What is said to all viewers near a place.
struct Broadcast {
  static constexpr float everywhere = std::numeric_limits<float>::infinity();
  static constexpr std::size_t bytes_max = 266;

  std::array<float, 3> position{};
  float radius_units = 0;
  std::uint16_t bytes = 0;
  std::array<std::uint8_t, bytes_max> message;  ///< type first

  [[nodiscard]] std::span<const std::uint8_t> content() const noexcept { return {message.data(), bytes}; }
  [[nodiscard]] bool is_everywhere() const noexcept { return radius_units == everywhere; }
  [[nodiscard]] bool reaches(const std::array<float, 3>& viewer) const noexcept {
    float distance2 = 0;
    for (unsigned axis = 0; axis < 3; ++axis) {
      const float apart = viewer[axis] - position[axis];
      distance2 += apart * apart;
    }
    return distance2 <= radius_units * radius_units;
  }
};
static_assert(sizeof(Broadcast) == 284);

enum class Handled : std::uint8_t {
  yes,
  malformed,
  unexpected,  ///< well-formed, but for another player, or beyond what is kept
  unknown,     ///< no such type is registered, or it is not a client's to send
};

/// What a message makes the engine do. Anything but Handled::yes sends nothing.
class Outcome {
  std::array<std::uint8_t, answers_bytes_max> bytes_;

 public:
  Outcome() = default;
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;

  base::ByteWriter answers{bytes_};  ///< framed messages to the sender, in the order in which channel 1 is to send them
  Broadcast broadcast;               ///< where it `broadcasts`
  bool broadcasts = false;
  Handled handled = Handled::unknown;
};

/// Messages of one io lane's players, in the order in which they came.
/// Writes  outcomes, players, sessions
struct MessageSlice {
  const world::Config& world;
  Nanos now;
  PlayerMemory players, sessions;
  std::span<const Message> messages;
  Outcome* outcomes;  ///< one a message
};

// ---- the table

/// Plain data and functions of a game. A shard lane calls none of them for a single row or packet.
struct Callbacks {
  const void* context = nullptr;  ///< handed to each of them; outlives the lanes

  /// Of PlayerMemory. `player`: read in each step, so small; zeroed when a session of the player begins or ends.
  /// `session`: zeroed when one begins.
  std::uint32_t player_bytes = 0, session_bytes = 0;

  /// Broadcasts to everywhere that each shard lets through; what is more is dropped and counted (broadcast_overflow).
  std::uint32_t broadcasts_per_s = 0, broadcasts_burst = 0;

  std::span<const std::uint8_t>
      welcome;  ///< message, type first, to each player that joins; empty: none. Outlives the lanes.

  void (*spawn_players)(const void* context, const PlayerSpawnSlice& slice) noexcept = nullptr;
  void (*spawn_npcs)(const void* context, const NpcSpawnSlice& slice) noexcept = nullptr;  ///< at set-up
  void (*think)(const void* context, const ThinkSlice& slice) noexcept = nullptr;
  void (*step)(const void* context, const StepSlice& slice) noexcept = nullptr;
  void (*on_messages)(const void* context, const MessageSlice& slice) noexcept = nullptr;
  /// At set-up: what is wrong with the game's configuration, each fault one sentence.
  std::vector<std::string> (*faults)(const void* context) = nullptr;

  [[nodiscard]] bool complete() const noexcept {
    return spawn_players != nullptr && spawn_npcs != nullptr && think != nullptr && step != nullptr &&
           on_messages != nullptr && faults != nullptr;
  }
};

}  // namespace serried::game
