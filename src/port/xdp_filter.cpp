#include "port/xdp_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <linux/bpf.h>
#include <unistd.h>
#include <vector>

#include "base/setup.h"
#include "port/xdp/filter_layout.h"
#include "port/xdp_program.h"
#include "serried/time.h"

namespace serried::port {
namespace {

static_assert(XdpFilter::bans_max == serried_bans_max);
constexpr unsigned mapped_bits = 96;
constexpr Address mapped_prefix = ipv4_address(0, 0, 0, 0);

std::uint64_t pointer(const void* to) { return reinterpret_cast<std::uint64_t>(to); }

serried_filter_config layout_of(const XdpFilterConfig& given) {
  serried_filter_config config{};
  config.has_ipv4 = given.has_ipv4 ? 1 : 0;
  config.has_ipv6 = given.has_ipv6 ? 1 : 0;
  std::memcpy(&config.ipv4, given.ipv4.data() + 12, sizeof config.ipv4);
  std::memcpy(config.ipv6, given.ipv6.data(), sizeof config.ipv6);
  config.port = __builtin_bswap16(given.udp_port);
  if (given.rate_per_s != 0) {
    config.interval_ns = second / given.rate_per_s;
    config.tolerance_ns = second - config.interval_ns;
  }
  return config;
}

serried_ban_v4 key_v4(const Address& address, unsigned bits) {
  serried_ban_v4 key{bits > mapped_bits ? bits - mapped_bits : 0, {}};
  if (bits > mapped_bits) std::memcpy(key.address, address.data() + 12, sizeof key.address);
  return key;
}
serried_ban_v6 key_v6(const Address& address, unsigned bits) {
  serried_ban_v6 key{bits, {}};
  std::memcpy(key.address, address.data(), sizeof key.address);
  return key;
}

/// Whether the network holds all of IPv4: its bits are those that stand before any IPv4 address, or fewer.
bool holds_all_ipv4(const Address& address, unsigned bits) {
  if (bits > mapped_bits) return false;
  for (unsigned bit = 0; bit < bits; ++bit)
    if (((address[bit / 8] ^ mapped_prefix[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
  return true;
}

}  // namespace

SERRIED_SETUP Result<std::unique_ptr<XdpFilter>> XdpFilter::open(const XdpFilterConfig& config) {
  std::uint32_t program = 0;
  const std::string where = "XDP filter at interface " + std::to_string(config.interface_index);
  if (const int error = bpf_xdp_query_id(static_cast<int>(config.interface_index), 0, &program); error != 0)
    return Error{where + ": cannot ask for its program: " + std::strerror(-error)};
  if (program == 0) return Error{where + ": no XDP program is attached; give net_af_xdp its xdp_prog"};
  std::unique_ptr<XdpFilter> filter{new XdpFilter};
  if (auto done = filter->find_maps(program); !done) return done.error().within(where);
  const std::uint32_t first = 0;
  const serried_filter_config layout = layout_of(config);
  if (bpf_map_update_elem(filter->config_, &first, &layout, BPF_ANY) != 0)
    return Error{where + ": cannot configure it: " + std::strerror(errno)};
  return filter;
}

XdpFilter::~XdpFilter() {
  for (const int file : {config_, counters_, bans_v4_, bans_v6_})
    if (file >= 0) close(file);
}

SERRIED_SETUP Result<Done> XdpFilter::find_maps(std::uint32_t program) {
  const int file = open_bpf_program(program);
  if (file < 0) return Error{std::string{"cannot open its program: "} + std::strerror(-file)};
  std::uint32_t ids[16] = {};
  bpf_prog_info info{};
  info.nr_map_ids = std::size(ids);
  info.map_ids = pointer(ids);
  std::uint32_t size = sizeof info;
  const int error = bpf_obj_get_info_by_fd(file, &info, &size);
  close(file);
  if (error != 0) return Error{std::string{"cannot ask for its maps: "} + std::strerror(errno)};
  for (std::uint32_t i = 0; i < info.nr_map_ids && i < std::size(ids); ++i) {
    const int map = open_bpf_map(ids[i]);
    bpf_map_info about{};
    size = sizeof about;
    if (map < 0 || bpf_obj_get_info_by_fd(map, &about, &size) != 0) continue;
    const std::string name = about.name;
    int* const place = name == SERRIED_MAP_CONFIG     ? &config_
                       : name == SERRIED_MAP_COUNTERS ? &counters_
                       : name == SERRIED_MAP_BANS_V4  ? &bans_v4_
                       : name == SERRIED_MAP_BANS_V6  ? &bans_v6_
                                                      : nullptr;
    if (place != nullptr && *place < 0)
      *place = map;
    else
      close(map);
  }
  if (config_ >= 0 && counters_ >= 0 && bans_v4_ >= 0 && bans_v6_ >= 0) return Done{};
  return Error{"the program there (\"" + std::string{info.name} +
               "\") is not ours; detach it with ip link set IFACE xdp off"};
}

SERRIED_SETUP Result<Done> XdpFilter::ban(const Address& address, unsigned bits) {
  const std::uint8_t yes = 1;
  int error = 0;
  if (is_ipv4(address) ? bits >= mapped_bits : holds_all_ipv4(address, bits)) {
    const serried_ban_v4 key = key_v4(address, bits);
    error = bpf_map_update_elem(bans_v4_, &key, &yes, BPF_ANY);
  }
  if (error == 0 && (!is_ipv4(address) || bits < mapped_bits)) {
    const serried_ban_v6 key = key_v6(address, bits);
    error = bpf_map_update_elem(bans_v6_, &key, &yes, BPF_ANY);
  }
  if (error == 0) return Done{};
  return Error{errno == ENOSPC ? "its table of " + std::to_string(serried_bans_max) + " bans is full"
                               : std::string{std::strerror(errno)}};
}

void XdpFilter::lift(const Address& address, unsigned bits) {
  const serried_ban_v4 v4 = key_v4(address, bits);
  const serried_ban_v6 v6 = key_v6(address, bits);
  if (is_ipv4(address) ? bits >= mapped_bits : holds_all_ipv4(address, bits)) bpf_map_delete_elem(bans_v4_, &v4);
  if (!is_ipv4(address) || bits < mapped_bits) bpf_map_delete_elem(bans_v6_, &v6);
}

SERRIED_SETUP XdpFilter::Counts XdpFilter::counts() const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return {};
  std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
  const auto sum = [&](std::uint32_t counter) {
    std::uint64_t all = 0;
    if (bpf_map_lookup_elem(counters_, &counter, values.data()) == 0)
      for (const std::uint64_t value : values) all += value;
    return all;
  };
  return {sum(serried_filter_redirected), sum(serried_filter_banned), sum(serried_filter_rate),
          sum(serried_filter_malformed)};
}

SERRIED_SETUP Result<std::string> find_xdp_program() {
  namespace fs = std::filesystem;
  constexpr const char* name = "serried_filter.bpf.o";
  std::error_code fault;
  const fs::path here = fs::read_symlink("/proc/self/exe", fault).parent_path();
  for (const char* const folder : {".", "../port", "../lib/serried"}) {
    const fs::path path = here / folder / name;
    if (fs::exists(path, fault)) return path.lexically_normal().string();
  }
  return Error{std::string{name} + " is neither beside this program nor installed; it is built where clang is there"};
}

}  // namespace serried::port
