#pragma once
/// --placement FILE: the CPU of every lane, as TOML.
///
///     io0 = 4
///     shard0 = 5
///     handshake = 4

#include <string>
#include <vector>

#include "config/config.h"
#include "server/placement.h"

namespace serried::server {

/// What the file that `config` names says; empty with auto. With --shards 0 there are as many shard lanes as it names,
/// and `config` then says so. What is wrong with it becomes a fault: no file, no TOML, a lane that is not there, that
/// has no CPU or two. Whether there are such CPUs is seen later.
[[nodiscard]] std::vector<ToldLane> load_placement(config::ServerConfig& config, std::vector<config::Fault>& faults);

/// The same of a text.
[[nodiscard]] std::vector<ToldLane> read_placement(const std::string& text, config::ServerConfig& config,
                                                   std::vector<config::Fault>& faults);

}  // namespace serried::server
