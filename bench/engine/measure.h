#pragma once
/// The rows of the report: which pieces are timed, how often, and whether everything that went in came out.

#include <initializer_list>
#include <string>

#include "bed.h"
#include "establish.h"
#include "options.h"
#include "report.h"
#include "share.h"
#include "strangers.h"

namespace serried::bench {

inline constexpr unsigned newcomer_records = 450;

inline double time_stamps_per_ns() {
  static const double rate = [] {
    const std::uint64_t began = clock_ns(CLOCK_MONOTONIC), from = rte_rdtsc();
    std::uint64_t now = began;
    while (now - began < 20'000'000) now = clock_ns(CLOCK_MONOTONIC);
    return static_cast<double>(rte_rdtsc() - from) / static_cast<double>(now - began);
  }();
  return rate;
}

template <class AnyBed>
class Measurer {
 public:
  Measurer(AnyBed& bed, const Options& options, Report& report) : bed_(bed), options_(options), report_(report) {}

  void rows() {
    // Twice around before anything counts: windows, rings and round-trip times are as in the middle of a game.
    const unsigned payload = options_.payloads.front();
    Piece ignored;
    for (std::size_t sent = 0; sent < 2 * bed_.crowd.size(); sent += bed_.options.chunk)
      turn(bed_.next_chunk(), payload, ignored, ignored);

    if (options_.direction != "out") {
      row("in", [&](Piece& piece) { turn(bed_.next_chunk(), payload, piece, ignored); });
      report_.rows.back().datagram_bytes = bed_.crowd.datagram_bytes();
      if (options_.refusals) refusals();
    }
    for (const unsigned bytes : options_.payloads) {
      const std::string suffix = std::to_string(bytes);
      if (options_.direction != "in")
        row(
            "out " + suffix, [&](Piece& piece) { turn(bed_.next_chunk(), bytes, ignored, piece); }, bytes);
      if (options_.direction == "both")
        row(
            "in and out " + suffix, [&](Piece& piece) { bed_.exchange(bed_.next_chunk(), bytes, piece); }, bytes);
    }
    if (options_.direction != "in" && bed_.options.answers)
      row("newcomer, a record", [&](Piece& piece) {
        const Who who = bed_.next_chunk().first(1);
        bed_.welcome(who.front(), newcomer_records, piece);
        bed_.receive(who, Kind::valid, ignored);  // and the player acknowledges
      });
    report_.hash += bed_.hash.value() + bed_.crowd.hash.value();
  }

  /// The same again, for a lane whose probe takes the time of its stages.
  void stages() {
    Piece ignored;
    const unsigned payload = options_.payloads.front();
    for (std::size_t sent = 0; sent < 2 * bed_.crowd.size(); sent += bed_.options.chunk)
      turn(bed_.next_chunk(), payload, ignored, ignored);
    for (const io::StageText& stage : io::stage_texts)
      report_.stages.push_back({std::string(stage.name), std::string(stage.what), {}});
    report_.stages.push_back({"sum", "all of these", {}});
    if (options_.direction != "out") stage_column("in", true, payload);
    if (options_.direction != "in")
      for (const unsigned bytes : options_.payloads) stage_column("out " + std::to_string(bytes), false, bytes);
  }

  /// Whether everything that went in came out, and nothing else.
  void check(const std::string& what) {
    const auto complain = [&](const std::string& text) { report_.problems.push_back(what + ": " + text); };
    if (bed_.crowd.wrong != 0) complain(std::to_string(bed_.crowd.wrong) + " datagrams were not as they should be");
    if (bed_.inputs != bed_.sent_inputs)
      complain(std::to_string(bed_.sent_inputs) + " inputs in, " + std::to_string(bed_.inputs) + " out");
    if (bed_.crowd.creates != bed_.sent_creates)
      complain(std::to_string(bed_.sent_creates) + " CreateEntity records in, " + std::to_string(bed_.crowd.creates) +
               " out");
    if (bed_.options.answers && bed_.bodies != bed_.sent_bodies)
      complain(std::to_string(bed_.sent_bodies) + " bodies in, " + std::to_string(bed_.bodies) + " out");
    if (bed_.options.answers && bed_.plans_acked + 2 * bed_.crowd.size() < bed_.sent_bodies)
      complain("of " + std::to_string(bed_.sent_bodies) + " bodies only " + std::to_string(bed_.plans_acked) +
               " were acked");
    const metrics::DropCounters& drops = bed_.lane.counters().drops;
    for (std::size_t i = 0; i < metrics::drop_count; ++i) {
      const auto drop = static_cast<metrics::Drop>(i);
      const std::uint64_t lane_drops = drops.value(drop) - before_[i];
      if (lane_drops != refused_[i] && drop != metrics::Drop::no_buffer)
        complain(std::string(metrics::drop_name(drop)) + " " + std::to_string(lane_drops) + " instead of " +
                 std::to_string(refused_[i]));
      if (bed_.port.counters().drops.value(drop) != 0)
        complain("the port dropped " + std::to_string(bed_.port.counters().drops.value(drop)) + ": " +
                 std::string(metrics::drop_name(drop)));
    }
  }

  /// What was dropped so far belongs to the handshakes.
  void begin() {
    for (std::size_t i = 0; i < metrics::drop_count; ++i)
      before_[i] = bed_.lane.counters().drops.value(static_cast<metrics::Drop>(i));
    bed_.inputs = bed_.bodies = bed_.plans_acked = bed_.sent_inputs = bed_.sent_bodies = 0;
  }

 private:
  using Who = std::span<const std::uint32_t>;

  /// Every session of the chunk is heard and answered.
  void turn(Who who, unsigned bytes, Piece& in, Piece& out) {
    bed_.receive(who, Kind::valid, in);
    bed_.send(who, bytes, out);
  }

  /// Everything that a server refuses, and what it answers to strangers. The kinds stand in an order in which none
  /// spoils the next: as soon as something malformed came, the address of them all is banned as a stranger's.
  void refusals() {
    using metrics::Drop;
    Strangers strangers(protocol_id);
    const auto of_stranger = [&](Stranger kind) {
      return [this, &strangers, kind](Who who, Piece& piece) {
        bed_.take(who.size(), piece, [&] { strangers.send(bed_.crowd, who, kind); });
        bed_.crowd.collect(bed_.now);
      };
    };
    const auto of_player = [this](Kind kind) {
      return [this, kind](Who who, Piece& piece) { bed_.receive(who, kind, piece); };
    };
    // Slow enough that the budget of answers holds; or no time passes, and it is spent.
    bed_.pace = second * wire::Batch::capacity / cookie_rate_per_s * 5 / 4;
    refusal("answer connect", {}, of_stranger(Stranger::connect));
    refusal("answer connect_cookie", {}, of_stranger(Stranger::connect_cookie));
    bed_.pace = 0;
    for (const Stranger kind : {Stranger::connect, Stranger::connect_cookie}) spend(of_stranger(kind));
    refusal("refuse connect", {Drop::cookie_budget}, of_stranger(Stranger::connect));
    refusal("refuse connect_cookie", {Drop::cookie_budget}, of_stranger(Stranger::connect_cookie));
    refusal("refuse foreign", {Drop::foreign_source, Drop::address_rate, Drop::prefix_rate, Drop::bad_tag},
            of_stranger(Stranger::foreign));
    bed_.pace.reset();
    refusal("refuse short", {Drop::short_datagram}, of_stranger(Stranger::too_short));
    refusal("refuse long", {Drop::long_datagram}, of_stranger(Stranger::too_long));
    refusal("refuse garbage", {Drop::short_datagram, Drop::bad_flags, Drop::bad_channel, Drop::bad_crc},
            of_stranger(Stranger::garbage));
    refusal("refuse bad_flags", {Drop::bad_flags}, of_stranger(Stranger::bad_flags));
    refusal("refuse bad_crc", {Drop::bad_crc}, of_player(Kind::bad_crc));
    refusal("refuse unknown_session", {Drop::unknown_session}, of_player(Kind::unknown_session));
    refusal("refuse replay_seen", {Drop::replay_seen}, of_player(Kind::replay));
    refusal("refuse bad_tag", {Drop::bad_tag}, of_player(Kind::bad_tag));
    refusal("refuse reliable_closed", {Drop::reliable_closed}, of_stranger(Stranger::fragment));
    bed_.pace = 0;
    refusal("refuse banned", {Drop::banned}, of_stranger(Stranger::connect));
    bed_.pace.reset();
  }

  /// One row of them. `reasons`: what may become of a datagram; none: it is answered.
  template <class Take>
  void refusal(const std::string& name, std::initializer_list<metrics::Drop> reasons, Take&& take) {
    const io::IoCounters& counters = bed_.lane.counters();
    std::uint64_t sent = 0;
    const std::uint64_t answered_before = counters.answered.value();
    std::array<std::uint64_t, metrics::drop_count> before{};
    for (const metrics::Drop drop : reasons) before[static_cast<std::size_t>(drop)] = counters.drops.value(drop);
    row(name, [&](Piece& piece) {
      const Who who = bed_.next_chunk();
      take(who, piece);
      sent += who.size();
    });
    report_.rows.back().datagram_bytes = bed_.crowd.datagram_bytes();
    std::uint64_t accounted = reasons.size() == 0 ? counters.answered.value() - answered_before : 0;
    for (const metrics::Drop drop : reasons) {
      const auto at = static_cast<std::size_t>(drop);
      const std::uint64_t count = counters.drops.value(drop) - before[at];
      refused_[at] += count;
      accounted += count;
      report_.hash += base::mix(report_.rows.size(), at) * count;
    }
    if (accounted != sent)
      report_.problems.push_back(name + ": " + std::to_string(sent) + " sent, " + std::to_string(accounted) +
                                 " of them met what they should");
  }

  /// Let a budget be used up by what `take` sends.
  template <class Take>
  void spend(Take&& take) {
    constexpr auto budget = static_cast<std::size_t>(metrics::Drop::cookie_budget);
    const metrics::DropCounters& drops = bed_.lane.counters().drops;
    const std::uint64_t before = drops.value(metrics::Drop::cookie_budget);
    Piece ignored;
    while (ignored.packets <= cookie_rate_per_s) take(bed_.next_chunk(), ignored);
    refused_[budget] += drops.value(metrics::Drop::cookie_budget) - before;
  }

  /// Repeats of `piece` until each has seen the packets asked for.
  template <class Take>
  void repeat(Take&& take, Row& row, std::vector<Piece>* pieces) {
    const std::uint64_t began = clock_ns(CLOCK_MONOTONIC);
    std::uint64_t polls = 0, idle = 0;
    const auto more = [&](unsigned done) {
      if (options_.seconds <= 0) return done < options_.repeats;
      return done == 0 || static_cast<double>(clock_ns(CLOCK_MONOTONIC) - began) * 1e-9 < options_.seconds;
    };
    for (unsigned done = 0; more(done); ++done) {
      Piece piece;
      while (piece.packets < options_.packets) take(piece);
      const auto packets = static_cast<double>(piece.packets);
      row.cpu_ns.add(static_cast<double>(piece.watch.cpu_ns) / packets);
      row.wall_ns.add(static_cast<double>(piece.watch.wall_ns) / packets);
      row.packets += piece.packets;
      polls += piece.polls;
      idle += piece.idle_polls;
      if (pieces != nullptr) pieces->push_back(piece);
    }
    row.idle_share = polls != 0 ? static_cast<double>(idle) / static_cast<double>(polls) : 0;
  }

  template <class Take>
  void row(const std::string& name, Take&& take, unsigned body_bytes = 0) {
    Row row;
    row.name = name;
    // Ack block of a session in its first hundred-odd datagrams or later: one or two bytes more or less.
    if (body_bytes != 0) row.datagram_bytes = body_bytes + wire::header_bytes + wire::tag_bytes + wire::crc_bytes;
    repeat(take, row, nullptr);
    report_.rows.push_back(std::move(row));
  }

  void stage_column(const std::string& name, bool in, unsigned bytes) {
    Row row;
    std::vector<Piece> pieces;
    Piece ignored;
    repeat([&](Piece& piece) { turn(bed_.next_chunk(), bytes, in ? piece : ignored, in ? ignored : piece); }, row,
           &pieces);
    report_.stage_columns.push_back(name);
    const std::size_t column = report_.stage_columns.size() - 1;
    for (StageRow& stage : report_.stages) stage.ns.resize(column + 1);
    for (const Piece& piece : pieces) {
      double sum = 0;
      for (std::size_t i = 0; i < piece.stages.size(); ++i) {
        const double ns =
            static_cast<double>(piece.stages[i]) / time_stamps_per_ns() / static_cast<double>(piece.packets);
        report_.stages[i].ns[column].add(ns);
        sum += ns;
      }
      report_.stages.back().ns[column].add(sum);
    }
  }

  AnyBed& bed_;
  const Options& options_;
  Report& report_;
  std::array<std::uint64_t, metrics::drop_count> before_{}, refused_{};
};

/// Let all clients in, measure, check. `phase` is told when handshakes begin (false) and when they are over (true).
template <class Probe, class P, class F, class Phase, class Measure>
Result<Done> with_bed(P& near, F& far, const wire::Path& server, const std::vector<std::uint16_t>& ports,
                      const BedOptions& bed_options, Phase&& phase, Measure&& measure) {
  // The bed is of some 100 KB: not on the stack.
  const auto bed = std::make_unique<Bed<P, F, Probe>>(near, far, server, bed_options);
  phase(false);
  Establisher establisher(*bed, server, ports);
  if (const auto done = establisher.run(); !done) return done.error();
  bed->shuffle();
  phase(true);
  measure(*bed);
  return Done{};
}

template <class P, class F, class Phase>
Result<Done> run_on(P& near, F& far, const wire::Path& server, const std::vector<std::uint16_t>& ports,
                    const BedOptions& bed_options, const Options& options, Report& report, Phase&& phase) {
  if (options.direction == "share")
    return with_bed<io::NoProbe>(near, far, server, ports, bed_options, phase,
                                 [&](auto& bed) { Sharer(bed, options, report).run(); });
  const auto figures = [&](auto& bed) {
    Measurer measurer(bed, options, report);
    measurer.begin();
    measurer.rows();
    measurer.check("rows");
  };
  if (auto done = with_bed<io::NoProbe>(near, far, server, ports, bed_options, phase, figures); !done) return done;
  if (!options.stages) return Done{};
  const auto table = [&](auto& bed) {
    Measurer measurer(bed, options, report);
    measurer.begin();
    measurer.stages();
    measurer.check("stages");
  };
  return with_bed<StageCycles>(near, far, server, ports, bed_options, phase, table);
}

}  // namespace serried::bench
