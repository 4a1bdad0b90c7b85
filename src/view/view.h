#pragma once
/// The world as one client has received it: tracked entities, far proxies, the server's tick clock. Entity messages
/// travel unreliable; what makes the result right are two rules. Per slot the last applied datagram sequence is kept,
/// removals included, and anything older is ignored, so no removed entity comes back. And a datagram of which anything
/// was ignored is not acknowledged, so the server, which believes only in acks, sends those fields again.
/// Source  docs/wire-format.md section 6

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "message/control.h"
#include "message/entity.h"
#include "message/type.h"
#include "metrics/drop.h"
#include "serried/time.h"
#include "view/far.h"
#include "view/scene_clock.h"
#include "view/tick_clock.h"
#include "view/trail.h"

namespace serried::view {

/// What becomes of entity blocks: nothing, a count of their records, or proxies.
enum class FarMode : std::uint8_t { none, count, full };

struct ViewOptions {
  FarMode far = FarMode::full;
  Nanos far_timeout = 4 * second;  ///< at least two cycles of far blocks, of 1 s; see FarStore
  /// How far behind the server's clock the scene is drawn, at least (SceneClock). 0: nothing is remembered to draw by,
  /// and what is drawn is what was received last.
  Nanos interpolation_delay = 100 * millisecond;
  /// Where tracked entities are kept; outlives the view.
  std::pmr::memory_resource* memory = std::pmr::get_default_resource();
};

/// One tracked entity, or (gone) the memory of one that was removed: what a record changes, and nothing else, in one
/// cache line. What stays the same as long as it is tracked is in TrackedFacts.
struct alignas(64) Tracked {
  message::EntityState state;
  TrailEnd trail;
  std::uint32_t gone_tick = 0;      ///< of its removal
  std::uint64_t updated : 48 = 0;   ///< when, in units of 1,024 ns, wrapping after nine years; see View::age
  std::uint64_t sequence : 40 = 0;  ///< the lower bits of the datagram that was last applied to this slot
  std::uint64_t slot : 16 = 0;
  std::uint64_t generation : 2 = 0;
  std::uint64_t own : 1 = 0;
  std::uint64_t gone : 1 = 0;
  std::uint64_t audited : 1 = 0;  ///< an audit has found it to be as the server believes
};
static_assert(sizeof(Tracked) == 64);

struct TrackedFacts {
  std::uint64_t id = 0;
  std::uint16_t level = 0;
  std::uint8_t type = 0;
  std::uint8_t faction = 0;
};
static_assert(sizeof(TrackedFacts) == 16);

/// Counts of one view, all rising.
struct ViewCounters {
  std::uint64_t updates = 0;  ///< datagrams with a DeltaSync
  std::uint64_t creates = 0, records = 0, removals = 0, far_records = 0;
  std::uint64_t ignored = 0;    ///< older than what is known, or of an entity that is not known
  std::uint64_t misplaced = 0;  ///< a position whose section cannot be told
  std::uint64_t overflows = 0;  ///< no room: more tracked than the server promised
  std::uint64_t audits = 0, mismatches = 0;
};

/// The last audit that failed.
struct Mismatch {
  std::uint64_t audit_sequence = 0, applied_sequence = 0;
  std::uint32_t expected = 0, held = 0;  ///< hashes
  std::uint16_t slot = 0;
  std::uint8_t generation = 0;
  bool known = false;  ///< false: the client does not have the entity at all
};

class View {
 public:
  explicit View(const ViewOptions& options = {}) noexcept
      : entities_(options.memory),
        index_(options.memory),
        trails_(options.memory),
        facts_(options.memory),
        options_(options),
        far_(options.far_timeout) {}

  /// Take the world's parameters; forgets all entities.
  void configure(const message::ConnectionAccepted& accepted);

  /// An authentic, new datagram begins; `apply` then takes its entity messages in order.
  void begin(std::uint64_t sequence, Nanos now) noexcept;
  /// Apply one message. A malformed one changes nothing.
  /// Drops   bad_message, unknown_message (not an entity message)
  [[nodiscard]] metrics::Drop apply(const message::Framed& framed);
  /// Nothing of the datagram was ignored: it may be acknowledged.
  [[nodiscard]] bool complete() const noexcept { return complete_; }

  /// Tracked, live, or nullptr.
  [[nodiscard]] const Tracked* find(std::uint16_t slot) const noexcept;
  [[nodiscard]] const Tracked* own() const noexcept { return own_ == none ? nullptr : &entities_[own_]; }
  /// Ask for the memory of own().
  void prefetch_own() const noexcept {
    if (own_ != none) __builtin_prefetch(&entities_[own_]);
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Tracked& entity : entities_)
      if (!entity.gone) visit(entity);
  }
  [[nodiscard]] std::size_t tracked_count() const noexcept { return live_; }

  /// Where the entity was received last.
  [[nodiscard]] std::array<float, 3> position(const Tracked& entity) const noexcept;
  /// What the scene shows at `now`.
  [[nodiscard]] SceneTime scene_time(Nanos now) const noexcept { return scene_clock_.at(now); }
  /// The entity as it was then. False: it is not in the scene: it was created later, or is gone already.
  bool draw(const Tracked& entity, SceneTime time, Drawn& out) const noexcept;
  /// Visit what is in the scene, with an entity that was removed a moment ago: `visit(entity, drawn)`.
  template <class Visit>
  void for_each_shown(Nanos now, Visit&& visit) const {
    const SceneTime time = scene_time(now);
    Drawn drawn;
    for (const Tracked& entity : entities_)
      if (begun(entity, time) && draw(entity, time, drawn)) visit(entity, drawn);
  }
  /// Since a datagram last told of it, to a microsecond.
  [[nodiscard]] static Nanos age(const Tracked& entity, Nanos now) noexcept {
    const Nanos units = (now / updated_unit - entity.updated) & updated_mask;
    return units <= updated_mask / 2 ? units * updated_unit : 0;
  }
  /// Of an entity that this view has shown.
  [[nodiscard]] const TrackedFacts& facts(const Tracked& entity) const noexcept { return facts_[number_of(entity)]; }

  /// Far proxies, without those that the scene shows as tracked (their tracked state is the better one).
  template <class Visit>
  void for_each_far(Nanos now, Visit&& visit) const {
    const SceneTime time = scene_time(now);
    far_.for_each(now, [&](const FarProxy& proxy) {
      const Tracked* known = entry(proxy.slot);
      if (known == nullptr || !begun(*known, time)) visit(proxy);
    });
  }
  [[nodiscard]] std::array<float, 3> position(const FarProxy& proxy) const noexcept;

  [[nodiscard]] const FarStore& far() const noexcept { return far_; }
  [[nodiscard]] const ViewOptions& options() const noexcept { return options_; }
  [[nodiscard]] const TickClock& clock() const noexcept { return clock_; }
  [[nodiscard]] const SceneClock& scene_clock() const noexcept { return scene_clock_; }
  [[nodiscard]] std::uint16_t applied_input() const noexcept { return applied_input_; }
  [[nodiscard]] bool ever_updated() const noexcept { return applied_input_sequence_ != 0; }
  [[nodiscard]] const ViewCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const Mismatch& last_mismatch() const noexcept { return mismatch_; }
  [[nodiscard]] const message::Geometry& geometry() const noexcept { return geometry_; }
  /// What every datagram touches of the view itself, from its first byte.
  [[nodiscard]] std::size_t hot_bytes() const noexcept {
    return static_cast<std::size_t>(reinterpret_cast<const char*>(&facts_) - reinterpret_cast<const char*>(this));
  }
  /// Bytes held beyond sizeof(View).
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static constexpr Nanos updated_unit = 1'024;
  static constexpr Nanos updated_mask = (Nanos{1} << 48) - 1;
  static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << 40) - 1;

  [[nodiscard]] metrics::Drop apply_delta(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop apply_create(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop apply_quantised(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop apply_float(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop apply_removals(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop apply_block(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop apply_audits(std::span<const std::uint8_t> content);

  /// A record of `known`, which may be null; `apply` merges it into a state, false when it cannot.
  template <class Apply>
  void merge(Tracked* known, std::uint8_t generation, Apply&& apply) noexcept;
  void remove(const message::Removal& removal);
  void compare(const message::Audit& audit) noexcept;
  void ignore() noexcept;

  /// The datagram that was last applied to `known` is newer than the one being applied. Only what is within the replay
  /// window of the newest arrives here, so the lower bits tell.
  [[nodiscard]] bool is_newer(const Tracked& known) const noexcept {
    const std::uint64_t ahead = (known.sequence - sequence_) & sequence_mask;
    return ahead != 0 && ahead <= sequence_mask / 2;
  }
  void touch(Tracked& known) const noexcept {
    known.sequence = sequence_ & sequence_mask;
    known.updated = now_ / updated_unit & updated_mask;
  }
  /// Its state has changed: remember it, to draw by.
  void remember(Tracked& known) noexcept {
    if (!trails_.kept()) return;
    trails_.note(number_of(known), known.trail, known.state, tick_);
    moving_ |= known.state.velocity != std::array<std::int16_t, 3>{};
  }
  /// The scene's time has come to where it begins, and not to where it is gone.
  [[nodiscard]] bool begun(const Tracked& entity, SceneTime time) const noexcept;
  [[nodiscard]] std::size_t number_of(const Tracked& entity) const noexcept {
    return static_cast<std::size_t>(&entity - entities_.data());
  }

  [[nodiscard]] Tracked* entry(std::uint16_t slot) noexcept {
    return const_cast<Tracked*>(static_cast<const View*>(this)->entry(slot));
  }
  [[nodiscard]] const Tracked* entry(std::uint16_t slot) const noexcept {
    if (index_.empty()) return nullptr;
    const std::uint32_t found = index_[place_of(slot)];
    return found == 0 ? nullptr : &entities_[(found & 0xFFFF) - 1];
  }
  /// A new entry for a slot that has none, or nullptr when there is no room.
  [[nodiscard]] Tracked* add(std::uint16_t slot);
  /// Drop memories of removals that no datagram within the replay window can contradict any more, and index anew.
  void sweep(std::size_t room_wanted);
  /// Where a slot's probing begins. Slots are dense small numbers; the multiplier spreads runs of them.
  [[nodiscard]] std::size_t home_of(std::uint16_t slot) const noexcept {
    return (static_cast<std::uint32_t>(slot) * 0x9E3779B1U >> 12) & (index_.size() - 1);
  }
  [[nodiscard]] std::size_t place_of(std::uint16_t slot) const noexcept {
    const std::size_t mask = index_.size() - 1;
    std::size_t at = home_of(slot);
    while (index_[at] != 0 && index_[at] >> 16 != slot) at = (at + 1) & mask;
    return at;
  }

  // What every datagram touches comes first, and lies together.
  std::uint64_t sequence_ = 0;  ///< of the datagram being applied
  Nanos now_ = 0;
  std::uint32_t own_ = none;  ///< in entities_
  std::uint32_t tick_ = 0;
  bool complete_ = true;
  bool moving_ = false;  ///< something that the last update told of moves
  std::uint16_t applied_input_ = 0;
  std::uint64_t largest_sequence_ = 0;
  std::uint64_t applied_input_sequence_ = 0;
  TickClock clock_;
  std::pmr::vector<Tracked> entities_;  ///< live and gone, in no order
  /// By slot, open addressing: slot << 16 | position in entities_ + 1, 0 empty. The slot is here too, so that probing
  /// touches no entity.
  std::pmr::vector<std::uint32_t> index_;
  ViewCounters counters_;

  // Of every datagram of a view that draws
  Trails trails_;  ///< as entities_
  SceneClock scene_clock_;

  // Of few datagrams
  std::pmr::vector<TrackedFacts> facts_;  ///< as entities_
  std::size_t live_ = 0;
  std::size_t live_max_ = 0;
  std::uint64_t player_entity_ = 0;
  ViewOptions options_;
  message::Geometry geometry_;
  std::array<std::uint32_t, 3> cells_{1, 1, 1};
  std::array<float, 2> cell_size_{1.0F, 1.0F};  ///< xy, z
  FarStore far_;
  Mismatch mismatch_;
};

}  // namespace serried::view
