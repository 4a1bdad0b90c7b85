#pragma once
/// How much a viewer is told, and how often.

#include <cstdint>
#include <string>
#include <vector>

namespace serried::replicate {

inline constexpr unsigned tracked_rows = 128;  ///< rows of a viewer's tracked set: one bit each in a plan
inline constexpr unsigned plans_in_flight = 32;

struct Config {
  unsigned datagram_bytes = 1'146;  ///< budget of one viewer and tick; at most link::out_body_bytes_max
  unsigned tracked_max = 112;       ///< entities tracked at once; the rest of the 128 rows is for removals on their way
  float near_distance = 4'000.0F;   ///< units: closer than this and moving means every tick

  // Ceilings of the adaptive rate, as ticks between two records of one entity.
  unsigned distant_interval_ticks = 4;   ///< moving, further away: 15 Hz of 60
  unsigned resting_interval_ticks = 10;  ///< not moving, but something changed: 6 Hz
  unsigned refresh_ticks = 300;          ///< everything acknowledged: full state every 5 s

  // The tracked set is reconsidered so many ticks after a look that changed it; after one that did not twice as many as
  // the last time, up to the most.
  unsigned rescan_ticks = 4, rescan_ticks_max = 12;
  unsigned candidates = 512;   ///< entities looked at in one rescan
  unsigned rescan_cells = 64;  ///< cells visited in one rescan
  unsigned exchanges_max = 4;  ///< tracked entities given up for nearer ones in one rescan

  unsigned create_percent = 50;   ///< of the room, at most, for creates while there are records to send
  unsigned far_percent = 30;      ///< of the room, kept for far blocks while a turn is under way
  unsigned far_cycle_ticks = 60;  ///< a turn over all far cells starts no sooner than this after the last one did
  /// Looks of one tick: a cell, a row of cells, or up to 192 entities on the border of the view.
  unsigned far_cells = 32;
  unsigned interval_max_ticks = 6;  ///< under overload, at most so many ticks between two datagrams to a viewer
  unsigned quiet_ticks = 6;         ///< with nothing to say, a DeltaSync header every so many ticks

  /// Health and mana of foes are told in so many steps. Sixteen are as many as a bar over a head shows; a step is 6 %.
  unsigned foe_steps = 16;

  unsigned audit_per_second = 0;  ///< hashes for each viewer that asked for them; 0: none

  [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace serried::replicate
