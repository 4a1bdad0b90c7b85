#include "config/args.h"

#include <algorithm>

#include "config/eal.h"

namespace serried::config {

Arguments split_arguments(std::span<const char* const> argv) {
  Arguments arguments;
  arguments.program = argv.empty() ? "serried-server" : argv.front();
  std::vector<std::string> rest;
  for (std::size_t i = 1; i < argv.size(); ++i) rest.emplace_back(argv[i]);
  const auto divider = std::find(rest.begin(), rest.end(), "--");
  if (divider == rest.end()) {
    arguments.own = std::move(rest);
  } else {
    arguments.eal.assign(rest.begin(), divider);
    arguments.own.assign(divider + 1, rest.end());
  }
  return arguments;
}

void add_xdp_program(std::vector<std::string>& eal, const std::string& program) {
  for (std::string& argument : eal) {
    const std::string_view text = argument;
    const bool device = text.starts_with("--vdev=net_af_xdp") || text.starts_with("net_af_xdp");
    if (device && text.find(",xdp_prog=") == std::string_view::npos) argument += ",xdp_prog=" + program;
  }
}

void add_memory(std::vector<std::string>& eal, std::uint64_t needed_bytes, std::uint64_t small_page_bytes,
                std::uint64_t free_huge_bytes) {
  if (names_pages(eal)) return;
  if (free_huge_bytes >= needed_bytes) {
    eal.emplace_back("--in-memory");
    return;
  }
  eal.emplace_back("--no-huge");
  if (names_memory(eal)) return;
  eal.emplace_back("-m");
  eal.emplace_back(std::to_string((small_page_bytes >> 20) + 1));
}

std::vector<std::string> eal_arguments(const Arguments& arguments, const ServerConfig& config, int process_id) {
  std::vector<std::string> eal = arguments.eal;
  if (config.driver == Driver::socket && arguments.eal.empty()) {
    for (const char* option : {"--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "--log-level=lib.eal:warning"})
      eal.emplace_back(option);
    eal.emplace_back("--file-prefix");
    eal.emplace_back("serried-" + std::to_string(process_id));
    return eal;
  }
  const bool has_prefix = std::any_of(arguments.eal.begin(), arguments.eal.end(), [](const std::string& argument) {
    return argument == "--file-prefix" || argument.rfind("--file-prefix=", 0) == 0;
  });
  if (!has_prefix) {
    eal.emplace_back("--file-prefix");
    eal.emplace_back("serried-" + std::to_string(config.udp_port));
  }
  return eal;
}

}  // namespace serried::config
