#pragma once
/// What a server can be told: one plain struct. How each field is called on the command line and in a file, its unit,
/// range and help are rows of one table (option.h); its default is the initialiser here, or that of the module whose
/// setting it is.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "channel/block_pool.h"
#include "config/profile.h"
#include "games/reference/config.h"
#include "guard/abuse_guard.h"
#include "replicate/config.h"
#include "world/config.h"

namespace serried::config {

// The order of each enum is the order of the choices in its option's row.
enum class Driver : std::uint8_t { ethdev, socket };
enum class HomeChoice : std::uint8_t { automatic, spread, all };
enum class IsaChoice : std::uint8_t { automatic, scalar, sse42, avx2, avx512 };
enum class StatusMode : std::uint8_t { automatic, table, line, none };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct ServerConfig {
  // Network
  Driver driver = Driver::ethdev;
  std::vector<std::string> ports{"0"};  ///< each a device
  std::vector<std::string> addresses;   ///< IP[/PREFIX][@PORT], see config/ports.h
  std::uint16_t udp_port = 40'000;
  std::uint16_t vlan = 0;
  std::string next_hop = "learn";
  std::vector<std::string> gateways;
  bool verify_udp_checksum = true;
  unsigned rx_descriptors = 1'024;
  unsigned tx_descriptors = 1'024;
  std::uint16_t mtu = 1'500;

  // Sessions
  std::string token_key;
  unsigned sessions_max = 16'384;
  unsigned input_rate_max_hz = 128;
  unsigned cookie_rate_per_s = 20'000;
  unsigned timeout_ms = 15'000;
  unsigned idle_ping_ms = 5'000;
  unsigned ack_delay_ms = 25;
  unsigned message_bytes_max = channel::message_bytes_max;
  unsigned rekey_mib = 1'024;
  unsigned rekey_s = 3'600;
  std::vector<std::string> integrity_files;
  unsigned integrity_period_s = 60;
  bool integrity_required = false;
  std::string dictionary;

  // Protection
  unsigned address_rate_per_s = 256;
  unsigned prefix_rate_per_s = 2'048;
  unsigned ban_score = guard::AbuseGuardConfig{}.ban_score;
  bool xdp_filter = false;
  unsigned xdp_rate_per_s = 0;

  // World and replication
  unsigned tick_rate_hz = world::Config{}.ticks_per_second;
  unsigned players_max = 16'384;
  unsigned npcs = world::Config{}.npcs;
  std::uint64_t seed = 1;
  unsigned resume_s = world::Config{}.resume_s;
  std::string welcome_file;
  unsigned spawn_size_units = static_cast<unsigned>(2 * games::reference::Config{}.player_spawn_half);
  unsigned view_distance_units = static_cast<unsigned>(world::Config{}.radius[0]);
  unsigned budget_bytes = replicate::Config{}.datagram_bytes;
  unsigned tracked_max = replicate::Config{}.tracked_max;
  unsigned foe_steps = replicate::Config{}.foe_steps;
  unsigned audits_per_s = replicate::Config{}.audit_per_second;

  // Lanes
  unsigned io_lanes = 1;
  unsigned shards = 0;             ///< 0: from the number of cores
  std::string placement = "auto";  ///< else a file
  HomeChoice home = HomeChoice::automatic;
  std::optional<unsigned> idle_sleep_us;  ///< none: from the placement
  std::optional<unsigned> coalesce_us;    ///< none: from the placement
  bool steering = true;
  IsaChoice isa = IsaChoice::automatic;

  // Run and reports
  unsigned seconds = 0;
  std::uint64_t measurement_seed = 0;  ///< not 0: measurement mode
  StatusMode status = StatusMode::automatic;
  std::string json_summary;
  LogLevel log_level = LogLevel::info;
  std::string log_file;
  std::string control_socket;
  bool keep_privileges = false;
  bool core_dumps = false;
};

/// One thing that is wrong with a configuration: where it stands, and one sentence that says what and what to do.
struct Fault {
  std::string where;  ///< "--udp-port", "serried.toml:12: network.udp_port"
  std::string text;
};

/// What the command line asks for.
enum class Action : std::uint8_t { run, check, help, version, example, profiles, option_table };

struct Reading {
  Action action = Action::run;
  ServerConfig config;
  std::optional<Profile> profile;
  bool json = false;          ///< --json
  std::string machine_root;   ///< --machine; empty: this machine
  bool whole = true;          ///< false: a file was given that is none; then combinations are not looked at
  std::vector<Fault> faults;  ///< all of them, in the order of file, command line, combinations
};

/// Defaults, then the profile, then the file that --config names, then the command line. Never throws for what a user
/// wrote; with --help, --version, --example-config, --profiles or --help-markdown nothing else is looked at. With
/// --check combinations are not, nor what a profile still wants to know: the check says what is missing.
/// `arguments` is the server's own part, without the program's name.
[[nodiscard]] Reading read_config(std::span<const std::string> arguments);

/// The same for the text of a file; `name` is for the faults. False: it is no TOML, and nothing of it was taken.
bool read_toml(const std::string& text, const std::string& name, ServerConfig& config, std::vector<Fault>& faults);

/// What no single option can see: combinations.
void check_config(const ServerConfig& config, std::vector<Fault>& faults);

/// All faults as the text for a person, one a line.
[[nodiscard]] std::string fault_text(std::span<const Fault> faults);

[[nodiscard]] std::string help_text();
/// The commented configuration file with every option at its default: dpdk-config/serried.toml.
[[nodiscard]] std::string example_toml();
/// Every option with its value, as a flat list of (TOML key, text): for logs and the summary.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> config_values(const ServerConfig& config);

}  // namespace serried::config
