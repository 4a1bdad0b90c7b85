/// What the fleet measured, as a Summary.

#include <algorithm>

#include "tools/swarm/fleet.h"

namespace serried::tools {

namespace {

/// Beyond these the swarm measures itself: inputs leave late, and datagrams wait for it.
constexpr double lag_p99_ms_tolerated = 5.0;
constexpr double busy_tolerated = 0.98;

}  // namespace

Quantiles quantiles_ms(const base::Histogram& nanoseconds) {
  const auto ms = [](std::uint64_t value) { return static_cast<double>(value) / static_cast<double>(millisecond); };
  return {ms(nanoseconds.quantile(0.5)), ms(nanoseconds.quantile(0.99)), ms(nanoseconds.quantile(0.999)),
          ms(nanoseconds.max())};
}

Totals Fleet::totals(Nanos now, const EngineTotals& engine) const {
  Totals totals;
  totals.at = now;
  if (engine.port != nullptr) {
    totals.rx_datagrams = engine.port->rx_packets.value();
    totals.tx_datagrams = engine.port->tx_packets.value();
    totals.rx_bytes = engine.port->rx_bytes.value();
    totals.tx_bytes = engine.port->tx_bytes.value();
  }
  for (const Bot& bot : bots_) {
    totals.updates += bot.session.view().counters().updates;
    totals.far_records += bot.session.view().counters().far_records;
  }
  totals.busy = engine.busy;
  totals.cpu = engine.cpu;
  return totals;
}

void Fleet::count_errors(Summary& summary) const {
  for (const Bot& bot : bots_) {
    const peer::Session& session = bot.session;
    const peer::FaultLog& faults = session.faults();
    for (std::size_t i = 0; i < peer::fault_count && faults.total() != 0; ++i) {
      const auto fault = static_cast<peer::Fault>(i);
      // Endings go by their own names below, mismatches have a figure of their own.
      if (faults.count(fault) == 0 || fault == peer::Fault::ended || fault == peer::Fault::view_mismatch) continue;
      summary.error_kinds[std::string(peer::fault_name(fault))] += faults.count(fault);
    }
    if (session.state() == peer::State::closed && session.end() != peer::End::user) {
      ++summary.error_kinds[std::string(peer::end_name(session.end()))];
      if (summary.first_error.empty()) summary.first_error = session.end_text();
    }
    summary.audits += session.view().counters().audits;
    summary.view_mismatches += session.view().counters().mismatches;
  }
  for (const auto& [kind, count] : summary.error_kinds) summary.errors += count;
}

Summary Fleet::summary(Nanos now, const EngineTotals& engine) const {
  Totals since = playing_since_;
  if (since.at == 0) since.at = began_at_;
  return summary(now, engine, since);
}

Summary Fleet::summary(Nanos now, const EngineTotals& engine, const Totals& since) const {
  Summary summary;
  summary.players = static_cast<std::uint32_t>(bots_.size());
  summary.connected = connected_;
  summary.playing = playing_;
  count_errors(summary);
  const auto in_seconds = [](Nanos span) { return static_cast<double>(span) / static_cast<double>(second); };
  summary.connect_seconds = in_seconds((connected_at_ != 0 ? connected_at_ : now) - began_at_);
  if (summary.connect_seconds > 0) summary.connects_per_second = connected_ / summary.connect_seconds;

  const Totals until = measured_ ? playing_until_ : totals(now, engine);
  summary.seconds = until.at > since.at ? in_seconds(until.at - since.at) : 0;
  if (summary.seconds > 0) {
    const auto rate = [&](std::uint64_t a, std::uint64_t b) { return static_cast<double>(b - a) / summary.seconds; };
    const auto bots = static_cast<double>(std::max<std::size_t>(bots_.size(), 1));
    summary.rx_pps = rate(since.rx_datagrams, until.rx_datagrams);
    summary.tx_pps = rate(since.tx_datagrams, until.tx_datagrams);
    summary.rx_bps = 8 * rate(since.rx_bytes, until.rx_bytes);
    summary.tx_bps = 8 * rate(since.tx_bytes, until.tx_bytes);
    summary.updates_per_second_per_bot = rate(since.updates, until.updates) / bots;
    summary.far_records_per_second_per_bot = rate(since.far_records, until.far_records) / bots;
    summary.cpu_seconds = in_seconds(until.cpu - since.cpu);
    summary.swarm_busy = in_seconds(until.busy - since.busy) / summary.seconds;
  }
  summary.update_latency = quantiles_ms(latency_);
  summary.latency_samples = latency_.count();
  summary.staleness = quantiles_ms(staleness_);
  summary.rtt = quantiles_ms(rtt_);
  const Quantiles lag = quantiles_ms(lag_);
  summary.swarm_lag_ms_max = lag.max;
  summary.swarm_lag_ms_p99 = lag.p99;
  summary.swarm_behind = lag.p99 > lag_p99_ms_tolerated || summary.swarm_busy > busy_tolerated;

  std::uint64_t bytes = 0, tracked = 0;
  for (const Bot& bot : bots_) {
    bytes += sizeof(Bot) + bot.session.view().memory_bytes();
    tracked += bot.session.view().tracked_count();
    if (bot.watcher != nullptr) {
      ++summary.drawing;
      summary.tracked_drawn += bot.session.view().tracked_count();
      bot.session.view().for_each([&](const view::Tracked& entity) { summary.tracked_audited += entity.audited; });
    }
    const peer::SessionCounters& counters = bot.session.counters();
    summary.chats_sent += bot.chats;
    summary.commands_sent += bot.commands;
    summary.messages_sent += counters.messages_sent;
    summary.messages_received += counters.messages_received;
    summary.resent += counters.resent;
    summary.timeouts += counters.timeouts;
    summary.rekeys += counters.rekeys;
  }
  summary.scenes_drawn = watched_->scenes;
  summary.frames_drawn = watched_->frames;
  summary.frames_repeated = watched_->repeated;
  summary.scene_faults = watched_->faults;
  summary.scene_behind = quantiles_ms(watched_->behind);
  const auto percent = [](std::uint64_t value) { return static_cast<double>(value) / 100; };
  const base::Histogram& off = watched_->speed_error;
  summary.speed_error_percent = {percent(off.quantile(0.5)), percent(off.quantile(0.99)), percent(off.quantile(0.999)),
                                 percent(off.max())};
  if (!bots_.empty()) {
    summary.bytes_per_bot = bytes / bots_.size();
    summary.tracked_per_bot = static_cast<double>(tracked) / static_cast<double>(bots_.size());
  }
  summary.chats_received = chats_heard_;
  summary.states_received = states_heard_;
  summary.roams = roams_;
  summary.rss_bytes = engine.rss_bytes;
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto drop = static_cast<metrics::Drop>(i);
    const std::uint64_t count = drops_.value(drop) + (engine.port != nullptr ? engine.port->drops.value(drop) : 0);
    if (count != 0) summary.drops[std::string(metrics::drop_name(drop))] = count;
  }
  return summary;
}

}  // namespace serried::tools
