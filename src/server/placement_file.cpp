#include "server/placement_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include <toml++/toml.h>

#include "base/file.h"
#include "world/entity.h"

namespace serried::server {
namespace {

std::optional<unsigned> number_behind(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind)) return {};
  const std::string_view digits = name.substr(kind.size());
  unsigned number = 0;
  const auto [at, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool plain = fault == std::errc{} && at == digits.data() + digits.size() && std::to_string(number) == digits;
  return plain ? std::optional{number} : std::nullopt;
}

std::optional<LaneId> lane_of(std::string_view name) {
  if (name == "handshake") return LaneId{LaneKind::handshake, 0};
  if (const auto io = number_behind(name, "io")) return LaneId{LaneKind::io, *io};
  if (const auto shard = number_behind(name, "shard"); shard && *shard < world::shards_max)
    return LaneId{LaneKind::shard, *shard};
  return {};
}

bool is_there(LaneId lane, const config::ServerConfig& config) {
  return lane.kind == LaneKind::handshake || lane.index < (lane.kind == LaneKind::io ? config.io_lanes : config.shards);
}

struct Line {
  ToldLane told;
  std::uint32_t number = 0;
};

/// How many of a kind there are, in words.
std::string lanes_text(LaneKind kind, const config::ServerConfig& config) {
  const unsigned count = kind == LaneKind::io ? config.io_lanes : config.shards;
  const char* const option = kind == LaneKind::io ? " (--io-lanes)" : " (--shards)";
  return std::to_string(count) + (kind == LaneKind::io ? " io" : " shard") + (count == 1 ? " lane" : " lanes") + option;
}

}  // namespace

std::vector<ToldLane> read_placement(const std::string& text, config::ServerConfig& config,
                                     std::vector<config::Fault>& faults) {
  const std::string where = "--placement " + config.placement;
  const auto fault = [&](std::uint32_t line, const std::string& lane, std::string what) {
    faults.push_back({where + ":" + std::to_string(line) + ": " + lane, std::move(what)});
  };
  toml::table file;
  try {
    file = toml::parse(text, config.placement);
  } catch (const toml::parse_error& error) {
    faults.push_back({where + ":" + std::to_string(error.source().begin.line),
                      "is no list of one CPU for each lane: " + std::string{error.description()}});
    return {};
  }
  std::vector<Line> lines;
  for (const auto& [key, node] : file) {
    const std::string name{key.str()};
    const std::uint32_t line = key.source().begin.line;
    const auto lane = lane_of(name);
    const auto cpu = node.value_exact<std::int64_t>();
    if (!lane)
      fault(line, name,
            "is no lane; lanes are io0, io1 and so on, shard0 to shard" + std::to_string(world::shards_max - 1) +
                ", and handshake");
    else if (!cpu || *cpu < 0 || *cpu > 65'535)
      fault(line, name, "must be the number of a CPU, like " + name + " = 4");
    else
      lines.push_back({{*lane, static_cast<unsigned>(*cpu)}, line});
  }
  if (config.shards == 0) {
    for (const Line& line : lines)
      if (line.told.lane.kind == LaneKind::shard) config.shards = std::max(config.shards, line.told.lane.index + 1);
    config.shards = std::max(config.shards, 1U);
  }
  std::vector<ToldLane> told;
  for (const Line& line : lines) {
    if (is_there(line.told.lane, config))
      told.push_back(line.told);
    else
      fault(line.number, lane_name(line.told.lane),
            "is not there; there are " + lanes_text(line.told.lane.kind, config));
  }
  std::string missing;
  const auto look_for = [&](LaneId lane) {
    if (std::none_of(told.begin(), told.end(), [lane](const ToldLane& one) { return one.lane == lane; }))
      missing += (missing.empty() ? "" : ", ") + lane_name(lane);
  };
  for (unsigned i = 0; i < config.io_lanes; ++i) look_for({LaneKind::io, i});
  for (unsigned i = 0; i < config.shards; ++i) look_for({LaneKind::shard, i});
  look_for({LaneKind::handshake, 0});
  if (!missing.empty()) faults.push_back({where, "leaves out " + missing + "; give each lane its CPU"});
  return told;
}

std::vector<ToldLane> load_placement(config::ServerConfig& config, std::vector<config::Fault>& faults) {
  if (config.placement == "auto") return {};
  const auto text = base::read_file(config.placement);
  if (text) return read_placement(*text, config, faults);
  faults.push_back({"--placement " + config.placement,
                    "cannot be read; give auto, or a file that names a CPU for each "
                    "lane"});
  return {};
}

}  // namespace serried::server
