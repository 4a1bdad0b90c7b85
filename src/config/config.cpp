// The command line by CLI11, with every option taken as text: its own conversions stop at the first fault, and a
// person wants to hear all of them at once. Conversion, ranges and wording are the table's (option.cpp).

#include "config/config.h"

#include <algorithm>
#include <bit>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "config/engine_config.h"
#include "config/option.h"
#include "config/ports.h"

namespace serried::config {
namespace {

/// Any number of values, as text, or none: whether that is right is set_option's matter.
void take_text(CLI::Option* option) {
  option->type_size(1)->expected(0, 1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// `show_defaults` only to print help: CLI11 would also take a default for a value that is missing.
std::unique_ptr<CLI::App> make_app(bool show_defaults) {
  auto app = std::make_unique<CLI::App>(
      "Authoritative world server on a kernel-bypass packet engine.\n"
      "EAL options go before `--` (see the DPDK guide; e.g. -l 0-3 -a 0000:03:00.0), the server's own behind it.\n"
      "With --driver socket none are needed. The command line wins over the file, the file over the default.",
      "serried-server [EAL options] --");
  app->set_help_flag();
  app->allow_extras();
  const ServerConfig defaults;
  for (const Option& option : options()) {
    std::string text = option_text(option, defaults);
    if (text.empty()) text = "none";
    auto* const row = app->add_option(std::string{"--"} + option.name, option.help);
    take_text(
        row->type_name(option.choices != nullptr ? option.choices : option.unit)->group(section_text(option.section)));
    if (show_defaults) row->default_str(text);
    if (option.most != 0) row->description(std::string{option.help} + " (" + option_range(option) + ")");
  }
  for (const CommandLineOnly& option : command_line_only()) {
    // As std::string: CLI11 2.1 cannot tell a literal from something to write to.
    const std::string name = std::string{"--"} + option.name, help = option.help;
    if (*option.unit == '\0')
      app->add_flag(name == "--help" ? "-h,--help" : name, help)->group(section_text("run"));
    else
      take_text(app->add_option(name, help)->type_name(option.unit)->group(section_text("run")));
  }
  app->add_flag("--help-markdown")->group("");  // for scripts/check
  return app;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// What to do about an unknown option: the nearest that is known, or where EAL's belong.
std::string unknown_advice(const std::string& given, std::span<const RenamedOption> renamed) {
  const std::string name = given.substr(0, given.find('='));
  if (name.starts_with("--"))
    if (const Option* const now = renamed_from_name(renamed, std::string_view{name}.substr(2)); now != nullptr)
      return std::string{"is now --"} + now->name;
  std::string nearest;
  std::size_t least = 3;
  for (const Option& option : options()) {
    const std::string candidate = std::string{"--"} + option.name;
    if (const std::size_t distance = edit_distance(name, candidate); distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  if (!nearest.empty()) return "is not known; did you mean " + nearest + "?";
  return "is not known; EAL options go before `--`, the server's own are listed by --help";
}

/// What CLI11 could not place. A bare word behind an unknown option is taken for its value and not reported twice.
void report_extras(const std::vector<std::string>& extras, std::span<const RenamedOption> renamed,
                   std::vector<Fault>& faults) {
  bool after_unknown = false;
  for (const std::string& extra : extras) {
    const bool option = extra.size() > 1 && extra[0] == '-';
    if (option)
      faults.push_back({extra.substr(0, extra.find('=')), unknown_advice(extra, renamed)});
    else if (!after_unknown)
      faults.push_back({extra, "is no option; write --name value"});
    after_unknown = option;
  }
}

void apply_profile(const std::vector<std::string>& given, Reading& reading) {
  if (given.size() != 1 || given.front().empty()) {
    reading.faults.push_back(
        {"--profile", given.size() > 1 ? "is given more than once; give it once" : "needs a name; see --profiles"});
    return;
  }
  const ProfileRequest request = parse_profile_request(given.front());
  reading.profile = load_profile(request, profile_folders(), reading.config, reading.faults);
  const ProfileParameter* const open = reading.profile->open_parameter();
  reading.whole = reading.profile->read && open == nullptr;
  if (open != nullptr && reading.action == Action::run)
    reading.faults.push_back({"--profile " + request.name, "needs " + open->name + " (" + open->about +
                                                               "); write --profile " + request.name + "," + open->name +
                                                               "=VALUE"});
}

void apply_config_file(const std::vector<std::string>& given, std::span<const RenamedOption> renamed,
                       Reading& reading) {
  if (given.size() != 1 || given.front().empty()) {
    reading.faults.push_back({"--config", given.size() > 1 ? "is given more than once; give it once" : "needs a file"});
    return;
  }
  const auto text = base::read_file(given.front());
  if (!text)
    reading.faults.push_back({"--config " + given.front(), "cannot be read; check the path and its permissions"});
  reading.whole = text && read_toml(*text, given.front(), renamed, reading.config, reading.faults) && reading.whole;
}

/// The values that were given to an option. CLI11 stands an empty text for a value that is missing.
std::vector<std::string> given_values(const CLI::Option& row) {
  std::vector<std::string> values = row.results();
  values.erase(std::remove_if(values.begin(), values.end(), [](const auto& value) { return value.empty(); }),
               values.end());
  return values;
}

void apply_command_line(const CLI::App& app, Reading& reading) {
  for (const Option& option : options()) {
    const CLI::Option* const row = app.get_option(std::string{"--"} + option.name);
    if (row->count() == 0) continue;
    const auto values = given_values(*row);
    std::string fault = values.empty() ? "needs a value" : set_option(option, values, reading.config);
    if (fault.empty()) continue;
    std::string where = std::string{"--"} + option.name;
    if (values.size() == 1) where += " " + values.front();
    reading.faults.push_back({std::move(where), std::move(fault)});
  }
}

/// What is said of devices, and where there are none means nothing.
void check_device_settings(const ServerConfig& config, std::vector<Fault>& faults) {
  struct Setting {
    const char* name;
    unsigned value, usual;
    bool power_of_two;  ///< mlx5 rounds up to one, ENA refuses all else
  };
  const ServerConfig defaults;
  const Setting settings[] = {{"--rx-descriptors", config.rx_descriptors, defaults.rx_descriptors, true},
                              {"--tx-descriptors", config.tx_descriptors, defaults.tx_descriptors, true},
                              {"--mtu", config.mtu, defaults.mtu, false}};
  for (const auto& [name, value, usual, power_of_two] : settings) {
    if (config.driver == Driver::socket && value != usual)
      faults.push_back(
          {name, "means nothing to --driver socket, which has no device; leave it out, or use --driver ethdev"});
    else if (power_of_two && !std::has_single_bit(value))
      faults.push_back({std::string(name) + " " + std::to_string(value),
                        "is no power of two, which NICs want; give " + std::to_string(std::bit_ceil(value))});
  }
}

}  // namespace

Reading read_config(std::span<const std::string> arguments) { return read_config(arguments, renamed_options()); }

Reading read_config(std::span<const std::string> arguments, std::span<const RenamedOption> renamed) {
  Reading reading;
  const auto app = make_app(false);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants it
  try {
    app->parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    reading.faults.push_back({"command line", error.what()});
    return reading;
  }
  const auto asked = [&](const char* flag) { return app->get_option(flag)->count() != 0; };
  if (asked("--help"))
    reading.action = Action::help;
  else if (asked("--version"))
    reading.action = Action::version;
  else if (asked("--example-config"))
    reading.action = Action::example;
  else if (asked("--profiles"))
    reading.action = Action::profiles;
  else if (asked("--help-markdown"))
    reading.action = Action::option_table;
  if (reading.action != Action::run) return reading;

  if (asked("--check")) reading.action = Action::check;
  for (const char* const name : {"--json", "--machine"})
    if (asked(name) && reading.action != Action::check)
      reading.faults.push_back({name, "is of --check; give that too, or leave it out"});
  reading.json = asked("--json");
  if (asked("--machine")) {
    const auto folders = given_values(*app->get_option("--machine"));
    if (folders.size() == 1)
      reading.machine_root = folders.front();
    else
      reading.faults.push_back({"--machine", "needs one folder"});
  }
  if (asked("--profile")) apply_profile(given_values(*app->get_option("--profile")), reading);
  if (asked("--config")) apply_config_file(given_values(*app->get_option("--config")), renamed, reading);
  apply_command_line(*app, reading);
  report_extras(app->remaining(), renamed, reading.faults);
  // What seems to be missing may stand in a file that was not read.
  if (reading.action == Action::run && reading.whole) check_config(reading.config, reading.faults);
  return reading;
}

void check_config(const ServerConfig& config, std::vector<Fault>& faults) {
  const auto fault = [&](const char* where, std::string text) { faults.push_back({where, std::move(text)}); };
  const bool measures = config.measurement_seed != 0;
  if (measures && config.driver == Driver::socket)
    fault("--measurement", "is no mode for --driver socket, where anyone could send; use a port of net_pcap");
  if (measures && !config.token_key.empty())
    fault("--token-key", "means nothing with --measurement, whose keys all come from the seed; leave it out");
  if (!measures && config.token_key.empty())
    fault("--token-key", "is missing; make a key with `serried-token keygen --out FILE` and give that file");
  check_ports(config, faults);
  if (config.driver == Driver::socket && config.vlan != 0)
    fault("--vlan", "means nothing to --driver socket; configure the VLAN in the kernel, or use --driver ethdev");
  check_device_settings(config, faults);
  if (!config.gateways.empty() && config.next_hop != "arp")
    fault("--gateway", "is only asked for with --next-hop arp; leave it out, or give that too");
  if (config.driver == Driver::socket && config.next_hop != "learn")
    fault("--next-hop", "means nothing to --driver socket, the kernel routes; leave it out, or use --driver ethdev");
  if (config.xdp_filter && config.driver == Driver::socket)
    fault("--xdp-filter", "means nothing to --driver socket; use --driver ethdev with net_af_xdp, or leave it out");
  if (config.xdp_rate_per_s != 0 && !config.xdp_filter)
    fault("--xdp-rate", "is a limit of the XDP program; give --xdp-filter on too, or leave it out");
  if (!config.steering && config.io_lanes == 1)
    fault("--steering", "off means nothing without several --io-lanes; leave it out");
  if (config.home != HomeChoice::automatic && (config.driver == Driver::socket || config.ports.size() == 1))
    fault("--home", "means nothing without --driver ethdev and several --port; leave it out");
  else if (config.home == HomeChoice::spread && config.io_lanes < config.ports.size())
    fault("--home", "spread needs an io lane for each --port; raise --io-lanes to " +
                        std::to_string(config.ports.size()) + ", or leave it out");
  if (config.integrity_required && config.integrity_files.empty())
    fault("--integrity-required", "would end every session; give the builds that may play with --integrity too");
  if (config.players_max > config.sessions_max)
    fault("--players-max", "is " + std::to_string(config.players_max) + ", more than --sessions-max " +
                               std::to_string(config.sessions_max) + "; raise sessions or lower players");
  if (config.sessions_max < config.io_lanes)
    fault("--sessions-max", "is less than --io-lanes; each lane needs at least one session");
  if (config.sessions_max > config.io_lanes * sessions_per_lane_max)
    fault("--sessions-max",
          "is more than " + std::to_string(sessions_per_lane_max) + " for each of --io-lanes; add lanes or lower it");
  if (config.idle_ping_ms >= config.timeout_ms)
    fault("--idle-ping-ms", "must be less than --timeout-ms (" + std::to_string(config.timeout_ms) +
                                "), or connections end before they are asked for a sign of life");
  if (!faults.empty()) return;
  // With the number of shards left to the server, one: that holds the most, and start-up asks again.
  for (std::string& text : engine_faults(config, std::max(config.shards, 1U))) fault("world", std::move(text));
}

std::string fault_text(std::span<const Fault> faults) {
  std::string text = "serried-server: " + std::to_string(faults.size()) + (faults.size() == 1 ? " fault" : " faults") +
                     " in the configuration\n";
  for (const Fault& fault : faults) text += "  " + fault.where + " " + fault.text + "\n";
  return text;
}

std::string help_text() {
  const auto app = make_app(true);
  app->get_formatter()->column_width(44);
  return app->help();
}

}  // namespace serried::config
