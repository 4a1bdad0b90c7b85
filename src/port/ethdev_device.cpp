/// The device: found, configured, its queues set up, started, and asked what it lost. See ethdev.h.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <net/if.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <tuple>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "base/numa.h"
#include "base/prng.h"
#include "base/setup.h"
#include "port/eal.h"
#include "port/ethdev.h"
#include "port/mbuf_pool.h"

namespace serried::port {
namespace {

constexpr std::uint64_t wanted_rss = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP |
                                     RTE_ETH_RSS_IPV6_UDP_EX | RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
struct HashName {
  std::uint64_t type;
  const char* name;
};
constexpr HashName hash_names[] = {{RTE_ETH_RSS_NONFRAG_IPV4_UDP, "ipv4-udp"},
                                   {RTE_ETH_RSS_NONFRAG_IPV6_UDP, "ipv6-udp"},
                                   {RTE_ETH_RSS_IPV6_UDP_EX, "ipv6-udp-ex"},
                                   {RTE_ETH_RSS_IPV4, "ipv4"},
                                   {RTE_ETH_RSS_IPV6, "ipv6"}};

constexpr std::string_view af_xdp = "net_af_xdp";
/// Its fill and completion rings hold mbufs too, and their sizes are its own.
constexpr unsigned af_xdp_rings = 4'096 + 2'048;

/// Whether the kernel's interface is up and has its carrier (RFC 2863, as `ip link` shows it). Needs no /sys.
bool kernel_link_up(unsigned interface_index) noexcept {
  ifreq request{};
  if (if_indextoname(interface_index, request.ifr_name) == nullptr) return false;
  const int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return true;  // cannot be asked: the driver alone knows
  const bool asked = ioctl(file, SIOCGIFFLAGS, &request) == 0;
  close(file);
  return asked && (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

/// Around the MTU's bytes: Ethernet header, two VLAN tags, CRC.
constexpr unsigned link_overhead = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;
/// The largest MTU whose frames fit into one mbuf.
constexpr unsigned mbuf_mtu = RTE_MBUF_DEFAULT_BUF_SIZE - RTE_PKTMBUF_HEADROOM - link_overhead;

/// The largest MTU that a driver takes: it says so itself, or by its longest frame.
unsigned largest_mtu(const rte_eth_dev_info& info) {
  const unsigned mtu = info.max_mtu == 0 ? unsigned{UINT16_MAX} : info.max_mtu;
  if (info.max_rx_pktlen == 0) return mtu;
  // As rte_eth_dev_configure reckons what a frame has around its MTU.
  const bool said = info.max_mtu != UINT16_MAX && info.max_rx_pktlen > info.max_mtu;
  const unsigned overhead = said ? info.max_rx_pktlen - info.max_mtu : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  return std::min(mtu, info.max_rx_pktlen - std::min(overhead, info.max_rx_pktlen));
}

/// Software devices without an address of their own get a locally administered one, the same in each run.
wire::Mac made_up_mac(const std::string& name) {
  std::uint64_t hash = 0;
  for (const char c : name) hash = base::mix(hash, static_cast<unsigned char>(c));
  wire::Mac mac{};
  std::memcpy(mac.data() + 1, &hash, 5);
  mac[0] = 0x02;
  return mac;
}

std::uint64_t losses(const rte_eth_stats& stats) noexcept { return stats.imissed + stats.ierrors + stats.rx_nombuf; }

Result<Done> check(const EthdevConfig& config) {
  const HostConfig& host = config.host;
  const std::string where = "device " + config.device + ": ";
  if (!host.has_ipv4 && !host.has_ipv6) return Error{where + "needs an IPv4 or an IPv6 address"};
  if (host.has_ipv4 && !is_ipv4(host.ipv4.address)) return Error{where + "its IPv4 address is none"};
  if (host.has_ipv6 && is_ipv4(host.ipv6.address)) return Error{where + "its IPv6 address is an IPv4 one"};
  for (const auto& [has, local] : {std::pair{host.has_ipv4, host.ipv4}, std::pair{host.has_ipv6, host.ipv6}})
    if (const auto checked = check_host_address(local); has && !checked)
      return Error{where + "its address " + format_address(local.address) + " " + checked.error().message};
  for (const Address& router : {host.gateway_ipv4, host.gateway_ipv6})
    if (const auto checked = check_host_address({router, 128}); router != Address{} && !checked)
      return Error{where + "its router " + format_address(router) + " " + checked.error().message};
  if (host.port_first == 0 || host.port_last < host.port_first)
    return Error{where + "its UDP ports must be 1 to 65535, first before last"};
  if (host.vlan > 4094)
    return Error{where + "VLAN " + std::to_string(host.vlan) + " is none; they go from 1 to 4094, 0 is untagged"};
  if (host.next_hop == NextHop::static_mac && host.next_hop_mac == wire::Mac{})
    return Error{where + "next hop is static, but its MAC is missing"};
  if (host.next_hop == NextHop::static_mac && (host.next_hop_mac[0] & 1) != 0)
    return Error{where + "next hop " + format_mac(host.next_hop_mac) + " is a group of stations and not one"};
  const bool gateway = host.gateway_ipv4 != Address{} || host.gateway_ipv6 != Address{};
  const bool prefix = (host.has_ipv4 && host.ipv4.prefix_bits < 32) || (host.has_ipv6 && host.ipv6.prefix_bits < 128);
  if (host.next_hop == NextHop::arp && !gateway && !prefix)
    return Error{where +
                 "next hop arp needs to know the network: write the address with its prefix, like 192.0.2.1/24"};
  if (config.mtu < 1280)
    return Error{where + "MTU " + std::to_string(config.mtu) + " is too small; datagrams need 1280"};
  if (config.queues == 0) return Error{where + "needs a queue"};
  return Done{};
}

}  // namespace

struct EthdevDevice::Plan {
  rte_eth_dev_info info{};
  rte_eth_conf conf{};
  std::uint16_t rx = 0, tx = 0;
  unsigned node = 0;
};

SERRIED_SETUP Result<std::uint16_t> EthdevDevice::find(const std::string& device) {
  std::uint16_t id = 0;
  const char* const end = device.data() + device.size();
  const auto [at, fault] = std::from_chars(device.data(), end, id);
  if (fault == std::errc{} && at == end && rte_eth_dev_is_valid_port(id)) return id;
  if (rte_eth_dev_get_port_by_name(device.c_str(), &id) == 0) return id;
  std::string there;
  for (const std::string& name : ethdev_names()) there += (there.empty() ? "" : ", ") + name;
  return Error{"there is no ethdev \"" + device + "\"; EAL found " +
               (there.empty() ? "none (see --vdev and -a)" : there)};
}

SERRIED_SETUP Result<int> EthdevDevice::node_of(const std::string& device) {
  const auto id = find(device);
  if (!id) return id.error();
  return rte_eth_dev_socket_id(id.value());
}

SERRIED_SETUP Result<std::unique_ptr<EthdevDevice>> EthdevDevice::open(const EthdevConfig& given) {
  EthdevConfig config = given;
  if (config.host.port_last == 0) config.host.port_last = config.host.port_first;
  if (!eal_runs()) return Error{"device " + config.device + ": EAL does not run; start it first"};
  if (auto checked = check(config); !checked) return checked.error();
  const auto id = find(config.device);
  if (!id) return id.error();
  std::unique_ptr<EthdevDevice> device(new EthdevDevice(config));
  device->report_.port_id = id.value();
  Plan plan;
  const std::string where = "device " + config.device;
  if (auto done = device->configure(plan); !done) return done.error().within(where);
  if (auto done = device->set_up_queues(plan); !done) return done.error().within(where);
  if (auto done = device->start(plan); !done) return done.error().within(where);
  return device;
}

SERRIED_SETUP EthdevDevice::EthdevDevice(const EthdevConfig& config)
    : config_(config), neighbors_(config.neighbors, config.salt) {}

SERRIED_SETUP EthdevDevice::~EthdevDevice() {
  close();
  // A mempool outlives the device: mbufs that another device, or a ring, still holds point into it.
  for (rte_mempool* pool : pools_)
    if (pool != nullptr && rte_mempool_full(pool)) rte_mempool_free(pool);
}

SERRIED_SETUP void EthdevDevice::close() noexcept {
  if (!configured_) return;
  events_.stop();
  // As it closes, net_af_xdp takes off what stands at the interface, whose program that may be.
  std::optional<OutOfSight> away;
  if (report_.driver == af_xdp && !program_.may_close(interface_index_)) away.emplace();
  if (started_) rte_eth_dev_stop(report_.port_id);
  // Where it cannot be kept from that, the device ends with the process.
  if (!away || away->hidden()) rte_eth_dev_close(report_.port_id);
  started_ = configured_ = false;
}

SERRIED_SETUP Result<Done> EthdevDevice::query(Plan& plan) {
  const std::uint16_t id = report_.port_id;
  if (const int error = rte_eth_dev_info_get(id, &plan.info); error != 0)
    return Error{std::string("cannot be asked what it is: ") + rte_strerror(-error)};
  const rte_eth_dev_info& info = plan.info;
  report_.device = config_.device;
  report_.driver = info.driver_name;
  interface_index_ = info.if_index;
  report_.numa_node = rte_eth_dev_socket_id(id);
  plan.node = report_.numa_node < 0 ? static_cast<unsigned>(SOCKET_ID_ANY) : static_cast<unsigned>(report_.numa_node);
  if (receiving() > info.max_rx_queues || config_.queues > info.max_tx_queues)
    return Error{"has " + std::to_string(info.max_rx_queues) + " receive and " + std::to_string(info.max_tx_queues) +
                 " transmit queues, and the lanes need " + std::to_string(receiving()) + " and " +
                 std::to_string(config_.queues) + "; lower the number of io lanes"};
  report_.rx_ip_checksum = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
  report_.rx_udp_checksum = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
  report_.tx_ip_checksum = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  report_.tx_udp_checksum = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
  plan.conf.rxmode.offloads = info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
  // Some devices drop the frames of every VLAN that they were not told of (virtio).
  if (config_.host.vlan != 0) plan.conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
  plan.conf.txmode.offloads = info.tx_offload_capa & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
  plan_mtu(plan);
  return Done{};
}

/// The driver's own table then spreads datagrams over the receive queues that there are.
SERRIED_SETUP void EthdevDevice::choose_hash(Plan& plan) {
  if (config_.queues == 1) return;
  const std::uint64_t types = wanted_rss & plan.info.flow_type_rss_offloads;
  if (types != 0) {
    plan.conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    plan.conf.rx_adv_conf.rss_conf.rss_hf = types;
  }
  for (const HashName& hash : hash_names)
    if ((types & hash.type) != 0) report_.rss_hash_types.emplace_back(hash.name);
  if (types == 0) report_.notes.emplace_back("no RSS: the driver alone decides which queue a datagram takes");
}

SERRIED_SETUP std::uint16_t EthdevDevice::receiving() const noexcept {
  unsigned count = 0;
  for (unsigned lane = 0; lane < config_.queues; ++lane) count += use_of(lane) != QueueUse::send ? 1 : 0;
  return static_cast<std::uint16_t>(count);
}

/// For devices that have pairs of queues, and fill each whether it is read or not.
SERRIED_SETUP void EthdevDevice::receive_everywhere() {
  std::replace(config_.uses.begin(), config_.uses.end(), QueueUse::send, QueueUse::receive);
  report_.notes.emplace_back("its queues are pairs: lanes that are not at home here receive from it all the same");
}

SERRIED_SETUP Result<Done> EthdevDevice::configure(Plan& plan) {
  if (auto asked = query(plan); !asked) return asked;
  choose_hash(plan);
  const auto all = static_cast<std::uint16_t>(config_.queues);
  if (receiving() < all && report_.rss_hash_types.empty()) receive_everywhere();
  int error = rte_eth_dev_configure(report_.port_id, receiving(), all, &plan.conf);
  if (error != 0 && receiving() < all) {
    receive_everywhere();
    error = rte_eth_dev_configure(report_.port_id, all, all, &plan.conf);
  }
  if (error != 0)
    return Error{"refuses " + std::to_string(all) + " queues at MTU " + std::to_string(plan.conf.rxmode.mtu) + ": " +
                 rte_strerror(-error)};
  configured_ = true;
  report_.rx_queues = receiving();
  report_.tx_queues = all;
  return Done{};
}

SERRIED_SETUP Result<Done> EthdevDevice::set_up_receiving(const Plan& plan, unsigned lane, std::uint16_t queue) {
  // Never the name of a pool that a closed device had to leave behind.
  static std::atomic<unsigned> pools_made{0};
  const std::string name = "serried_mbufs_" + std::to_string(pools_made.fetch_add(1));
  const MbufLayout layout = report_.driver == af_xdp ? MbufLayout::dense : MbufLayout::paged;
  const unsigned buffers = report_.buffers[lane];
  // Pages that are not huge ones lie where they are touched first, and making the pool touches them.
  const base::PreferredNode near{rte_socket_count() > 1 ? report_.numa_node : base::any_node};
  rte_mempool* const pool = make_mbuf_pool(name, buffers, static_cast<int>(plan.node), layout);
  if (pool == nullptr)
    return Error{"cannot make " + std::to_string(buffers) + " mbufs: " + rte_strerror(rte_errno) +
                 "; give EAL more memory (hugepages, or -m with --no-huge) or lower `buffers`"};
  pools_[lane] = pool;
  rte_eth_rxconf conf = plan.info.default_rxconf;
  conf.offloads = plan.conf.rxmode.offloads & plan.info.rx_queue_offload_capa;
  const auto descriptors = static_cast<std::uint16_t>(report_.rx_descriptors);
  if (const int error = rte_eth_rx_queue_setup(report_.port_id, queue, descriptors, plan.node, &conf, pool); error != 0)
    return Error{"cannot set up receive queue " + std::to_string(queue) + " with " + std::to_string(descriptors) +
                 " descriptors: " + rte_strerror(-error)};
  return Done{};
}

/// No datagram of ours is longer than one mbuf, so a longer frame is another's: it may come in several mbufs where the
/// driver can do that, and is dropped as bad_frame. Where it cannot, its device is to drop it.
SERRIED_SETUP void EthdevDevice::plan_mtu(Plan& plan) {
  unsigned mtu = std::min(unsigned{config_.mtu}, largest_mtu(plan.info));
  if (mtu > mbuf_mtu) {
    if ((plan.info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
      plan.conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    else
      mtu = mbuf_mtu;
  }
  plan.conf.rxmode.mtu = mtu;
  if (mtu < config_.mtu)
    report_.notes.push_back("MTU " + std::to_string(mtu) + " in place of " + std::to_string(config_.mtu) +
                            ", which is more than the driver takes");
}

SERRIED_SETUP Result<Done> EthdevDevice::set_up_queues(const Plan& plan) {
  const std::uint16_t id = report_.port_id;
  auto rx = static_cast<std::uint16_t>(config_.rx_descriptors), tx = static_cast<std::uint16_t>(config_.tx_descriptors);
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx); error != 0)
    return Error{std::string("refuses its ring sizes: ") + rte_strerror(-error)};
  report_.rx_descriptors = rx;
  report_.tx_descriptors = tx;
  choose_buffers();
  pools_.resize(config_.queues);
  const auto lanes = static_cast<std::uint16_t>(config_.queues);
  std::uint16_t receive_queue = 0;
  for (std::uint16_t lane = 0; lane < lanes; ++lane) {
    if (use_of(lane) != QueueUse::send)
      if (auto done = set_up_receiving(plan, lane, receive_queue++); !done) return done;
    rte_eth_txconf conf = plan.info.default_txconf;
    conf.offloads = plan.conf.txmode.offloads & plan.info.tx_queue_offload_capa;
    if (const int error = rte_eth_tx_queue_setup(id, lane, tx, plan.node, &conf); error != 0)
      return Error{"cannot set up transmit queue " + std::to_string(lane) + " with " + std::to_string(tx) +
                   " descriptors: " + rte_strerror(-error)};
    if (lane > 0 || report_.driver != af_xdp) continue;
    auto program = XdpProgram::take(interface_index_);
    if (!program) return program.error();
    program_ = std::move(program).value();
  }
  look_at_rings();
  return Done{};
}

/// What became of the ring sizes that were asked for. A driver may round them further than its limits say (mlx5), and
/// some cannot be asked (virtio, whose rings are the host's).
SERRIED_SETUP void EthdevDevice::look_at_rings() {
  rte_eth_rxq_info rx{};
  rte_eth_txq_info tx{};
  if (rte_eth_rx_queue_info_get(report_.port_id, 0, &rx) == 0) report_.rx_descriptors = rx.nb_desc;
  if (rte_eth_tx_queue_info_get(report_.port_id, 0, &tx) == 0) report_.tx_descriptors = tx.nb_desc;
  for (const auto& [asked, got, ring] : {std::tuple{config_.rx_descriptors, report_.rx_descriptors, "receive"},
                                         {config_.tx_descriptors, report_.tx_descriptors, "transmit"}})
    if (asked != got)
      report_.notes.push_back(std::to_string(got) + " " + ring + " descriptors in place of " + std::to_string(asked) +
                              ", as the driver has it");
}

SERRIED_SETUP void EthdevDevice::choose_buffers() {
  // Less than this, and a full transmit ring starves reception.
  unsigned least = report_.rx_descriptors + report_.tx_descriptors + mbuf_cache + 8 * wire::Batch::capacity;
  if (report_.driver == af_xdp) least += af_xdp_rings;
  unsigned fewer = 0;
  for (unsigned lane = 0; lane < config_.queues; ++lane) {
    const QueueUse use = use_of(lane);
    const unsigned asked = use == QueueUse::home ? config_.buffers : config_.receive_buffers;
    report_.buffers.push_back(use == QueueUse::send ? 0 : std::max(asked, least));
    if (report_.buffers.back() > asked) fewer = asked;
  }
  if (fewer != 0) report_.notes.push_back(std::to_string(least) + " mbufs a lane in place of " + std::to_string(fewer));
}

SERRIED_SETUP Result<Done> EthdevDevice::start(const Plan&) {
  const std::uint16_t id = report_.port_id;
  rte_ether_addr own{};
  static_cast<void>(rte_eth_macaddr_get(id, &own));
  std::memcpy(report_.mac.data(), own.addr_bytes, 6);
  if (config_.host.mac != wire::Mac{}) {
    std::memcpy(own.addr_bytes, config_.host.mac.data(), 6);
    if (config_.host.mac != report_.mac && rte_eth_dev_default_mac_addr_set(id, &own) != 0)
      report_.notes.emplace_back("the device keeps its MAC; ours works where it does not filter");
    report_.mac = config_.host.mac;
  } else if (report_.mac == wire::Mac{}) {
    report_.mac = made_up_mac(config_.device);
  }
  if (const int error = rte_eth_dev_start(id); error != 0)
    return Error{std::string("does not start: ") + rte_strerror(-error)};
  started_ = true;
  if (const auto heard = events_.listen(id); !heard) report_.notes.push_back(heard.error().message);
  set_filters();
  static_cast<void>(rte_eth_dev_get_mtu(id, &report_.mtu));
  wait_for_link();
  if (rte_eth_stats stats{}; rte_eth_stats_get(id, &stats) == 0) losses_before_ = losses(stats);

  HostConfig host = config_.host;
  host.mac = report_.mac;
  const Ethdev::Offloads offloads{report_.rx_ip_checksum, report_.rx_udp_checksum, report_.tx_ip_checksum,
                                  report_.tx_udp_checksum};
  Ethdev::Queues queues;
  for (; queues.tx < config_.queues; ++queues.tx) {
    queues.pool = pools_[queues.tx];
    lanes_.emplace_back(new Ethdev(id, queues, offloads, host, neighbors_));
    if (queues.pool != nullptr) ++queues.rx;
  }
  return Done{};
}

/// Only what is for us: no promiscuous mode, our VLAN, and of the groups those of neighbour discovery.
SERRIED_SETUP void EthdevDevice::set_filters() {
  const std::uint16_t id = report_.port_id;
  static_cast<void>(rte_eth_promiscuous_disable(id));
  if (const std::uint16_t vlan = config_.host.vlan; vlan != 0) {
    const int error = rte_eth_dev_vlan_filter(id, vlan, 1);
    if (error != 0 && error != -ENOSYS && error != -ENOTSUP)
      report_.notes.push_back("no filter for VLAN " + std::to_string(vlan) + " can be set: " + rte_strerror(-error) +
                              "; its frames come where the device does not filter");
  }
  if (!config_.host.has_ipv6) return;
  const wire::Mac groups[2] = {wire::multicast_mac(wire::solicited_node_address(config_.host.ipv6.address)),
                               {0x33, 0x33, 0, 0, 0, 1}};
  rte_ether_addr list[2];
  for (int i = 0; i < 2; ++i) std::memcpy(list[i].addr_bytes, groups[i].data(), 6);
  if (rte_eth_dev_set_mc_addr_list(id, list, 2) == 0 || rte_eth_allmulticast_enable(id) == 0) return;
  report_.notes.emplace_back(
      "no multicast filter can be set; neighbour discovery works where the device does not filter");
}

SERRIED_SETUP void EthdevDevice::wait_for_link() {
  constexpr Nanos step = 20 * millisecond;
  for (Nanos waited = 0;; waited += step) {
    if (link_up()) break;
    if (waited >= config_.link_timeout) break;
    rte_delay_us_sleep(static_cast<unsigned>(step / microsecond));
  }
  report_.link_up = link_up();
  rte_eth_link link{};
  static_cast<void>(rte_eth_link_get_nowait(report_.port_id, &link));
  report_.link_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
  if (!report_.link_up) report_.notes.emplace_back("the link is down; is the cable in, is the peer up?");
}

void EthdevDevice::poll_missed(Nanos now) noexcept {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(report_.port_id, &stats) != 0) return;
  silence_.note(stats.ipackets, stats.opackets, now);
  const std::uint64_t lost = losses(stats);
  // A driver that resets its statistics (a link event) must not turn the count back.
  if (lost < losses_before_) losses_before_ = 0;
  const auto first = std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->receives(); });
  std::atomic<std::uint64_t>& missed = (*first)->missed_;
  missed.store(missed.load(std::memory_order_relaxed) + (lost - losses_before_), std::memory_order_relaxed);
  losses_before_ = lost;
}

bool EthdevDevice::link_up() const noexcept {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(report_.port_id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP &&
         (interface_index_ == 0 || kernel_link_up(interface_index_));
}

unsigned EthdevDevice::outstanding() const noexcept {
  unsigned away = 0;
  for (const auto& lane : lanes_) away += lane->outstanding();
  return away;
}

SERRIED_SETUP std::optional<std::uint16_t> EthdevDevice::receive_queue(unsigned lane) const noexcept {
  if (!lanes_[lane]->receives_) return {};
  return lanes_[lane]->rx_queue_;
}

SERRIED_SETUP void EthdevDevice::each_buffer_range(unsigned queue,
                                                   const std::function<void(std::span<const std::byte>)>& visit) const {
  if (pools_[queue] == nullptr) return;
  const rte_mempool_memhdr* chunk = nullptr;
  STAILQ_FOREACH(chunk, &pools_[queue]->mem_list, next)
  visit({static_cast<const std::byte*>(chunk->addr), chunk->len});
}

}  // namespace serried::port
