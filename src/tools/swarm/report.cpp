#include "tools/swarm/report.h"

#include "base/json.h"
#include "base/text.h"

namespace serried::tools {

namespace {

void append(std::string& text, const char* name, const Quantiles& q) {
  text +=
      base::formatted("%-22s p50 %9.2f   p99 %9.2f   p99.9 %9.2f   max %9.2f ms\n", name, q.p50, q.p99, q.p999, q.max);
}

base::Json object(const Quantiles& q) { return {{"p50", q.p50}, {"p99", q.p99}, {"p999", q.p999}, {"max", q.max}}; }

}  // namespace

std::string table(const Summary& s) {
  std::string text;
  text += base::formatted("%-22s %u of %u connected, %u playing; %.2f s, %.0f a second\n", "bots", s.connected,
                          s.players, s.playing, s.connect_seconds, s.connects_per_second);
  text += base::formatted("%-22s %.0f packets/s, %.2f Mbit/s\n", "received", s.rx_pps, s.rx_bps / 1e6);
  text += base::formatted("%-22s %.0f packets/s, %.2f Mbit/s\n", "sent", s.tx_pps, s.tx_bps / 1e6);
  text += base::formatted("%-22s %.1f a second, %.1f tracked, %.0f far records a second\n", "updates of a bot",
                          s.updates_per_second_per_bot, s.tracked_per_bot, s.far_records_per_second_per_bot);
  append(text, "input to update", s.update_latency);
  append(text, "staleness of movers", s.staleness);
  append(text, "round trip", s.rtt);
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  text += base::formatted(
      "%-22s %llu chats said, %llu heard; %llu commands, %llu answers; %llu sent, %llu received in all\n", "messages",
      number(s.chats_sent), number(s.chats_received), number(s.commands_sent), number(s.states_received),
      number(s.messages_sent), number(s.messages_received));
  text += base::formatted("%-22s %llu datagrams sent again, %llu timeouts, %llu rekeys, %llu changes of port\n",
                          "reliable", number(s.resent), number(s.timeouts), number(s.rekeys), number(s.roams));
  text += base::formatted("%-22s %llu done, %llu mismatches\n", "audits", static_cast<unsigned long long>(s.audits),
                          static_cast<unsigned long long>(s.view_mismatches));
  text += base::formatted(
      "%-22s %u bots: %llu of %llu frames repeated, %llu scenes with %llu faults, %llu of %llu entities audited\n",
      "drawn", s.drawing, number(s.frames_repeated), number(s.frames_drawn), number(s.scenes_drawn),
      number(s.scene_faults), number(s.tracked_audited), number(s.tracked_drawn));
  text += base::formatted("%-22s p50 %9.2f   p99 %9.2f   p99.9 %9.2f   max %9.2f %%\n", "speed drawn is off",
                          s.speed_error_percent.p50, s.speed_error_percent.p99, s.speed_error_percent.p999,
                          s.speed_error_percent.max);
  append(text, "scene behind server", s.scene_behind);
  text += base::formatted(
      "%-22s busy %.0f %%, inputs late p99 %.2f max %.2f ms, %.1f CPU s, %llu KiB a bot, %llu MiB resident%s\n",
      "swarm", 100 * s.swarm_busy, s.swarm_lag_ms_p99, s.swarm_lag_ms_max, s.cpu_seconds,
      static_cast<unsigned long long>(s.bytes_per_bot >> 10), static_cast<unsigned long long>(s.rss_bytes >> 20),
      s.swarm_behind ? "; CANNOT KEEP UP: latencies are its own" : "");
  text += base::formatted("%-22s %llu", "errors", static_cast<unsigned long long>(s.errors));
  for (const auto& [kind, count] : s.error_kinds)
    text += base::formatted("  %s %llu", kind.c_str(), static_cast<unsigned long long>(count));
  text += '\n';
  if (!s.first_error.empty()) text += "first error            " + s.first_error + '\n';
  text += base::formatted("%-22s", "drops");
  if (s.drops.empty()) text += " none";
  for (const auto& [reason, count] : s.drops)
    text += base::formatted(" %s %llu", reason.c_str(), static_cast<unsigned long long>(count));
  text += '\n';
  return text;
}

std::string line(const Summary& s) {
  std::string text;
  text += base::formatted(
      "swarm: %u/%u playing  rx %.0f pps %.1f Mbit/s  tx %.0f pps  updates %.1f/s  latency p50 %.1f p99 %.1f ms  "
      "audits %llu/%llu  errors %llu  busy %.0f %%%s",
      s.playing, s.players, s.rx_pps, s.rx_bps / 1e6, s.tx_pps, s.updates_per_second_per_bot, s.update_latency.p50,
      s.update_latency.p99, static_cast<unsigned long long>(s.view_mismatches),
      static_cast<unsigned long long>(s.audits), static_cast<unsigned long long>(s.errors), 100 * s.swarm_busy,
      s.swarm_behind ? "  BEHIND" : "");
  return text;
}

std::string json(const Summary& s) {
  base::Json root;
  root["players"] = s.players;
  root["connected"] = s.connected;
  root["errors"] = s.errors;
  root["error_kinds"] = s.error_kinds;
  root["first_error"] = s.first_error;
  root["view_mismatches"] = s.view_mismatches;
  root["audits"] = s.audits;
  root["connect_seconds"] = s.connect_seconds;
  root["connects_per_second"] = s.connects_per_second;
  root["seconds"] = s.seconds;
  root["rx_pps"] = s.rx_pps;
  root["tx_pps"] = s.tx_pps;
  root["rx_bps"] = s.rx_bps;
  root["tx_bps"] = s.tx_bps;
  root["updates_per_second_per_bot"] = s.updates_per_second_per_bot;
  root["update_latency_ms"] = object(s.update_latency);
  root["update_latency_samples"] = s.latency_samples;
  root["staleness_ms"] = object(s.staleness);
  root["rtt_ms"] = object(s.rtt);
  root["drawing"] = s.drawing;
  root["scenes_drawn"] = s.scenes_drawn;
  root["scene_faults"] = s.scene_faults;
  root["frames_drawn"] = s.frames_drawn;
  root["frames_repeated"] = s.frames_repeated;
  root["speed_error_percent"] = object(s.speed_error_percent);
  root["scene_behind_ms"] = object(s.scene_behind);
  root["tracked_drawn"] = s.tracked_drawn;
  root["tracked_audited"] = s.tracked_audited;
  root["cpu_seconds"] = s.cpu_seconds;
  root["swarm_busy"] = s.swarm_busy;
  root["swarm_lag_ms_p99"] = s.swarm_lag_ms_p99;
  root["swarm_lag_ms_max"] = s.swarm_lag_ms_max;
  root["swarm_behind"] = s.swarm_behind;
  root["chats_sent"] = s.chats_sent;
  root["chats_received"] = s.chats_received;
  root["commands_sent"] = s.commands_sent;
  root["states_received"] = s.states_received;
  root["messages_sent"] = s.messages_sent;
  root["messages_received"] = s.messages_received;
  root["resent"] = s.resent;
  root["timeouts"] = s.timeouts;
  root["rekeys"] = s.rekeys;
  root["roams"] = s.roams;
  root["tracked_per_bot"] = s.tracked_per_bot;
  root["far_records_per_second_per_bot"] = s.far_records_per_second_per_bot;
  root["bytes_per_bot"] = s.bytes_per_bot;
  root["rss_bytes"] = s.rss_bytes;
  root["drops"] = s.drops;
  return root.text(2) + '\n';
}

}  // namespace serried::tools
