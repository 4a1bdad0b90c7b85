#include "port/xdp_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sched.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "base/setup.h"

namespace serried::port {
namespace {

namespace fs = std::filesystem;

/// Programs that lead to AF_XDP sockets and to nothing else: ours, and the one that libxdp attaches.
constexpr std::string_view af_xdp_programs[] = {"serried_filter", "xsk_def_prog"};

struct Attached {
  std::uint32_t id = 0;  ///< 0: none
  unsigned flags = 0;    ///< for an attach of the same kind
};

/// Error: errno, negative.
int ask(unsigned interface_index, Attached& attached) noexcept {
  bpf_xdp_query_opts about{};
  about.sz = sizeof about;
  if (const int error = bpf_xdp_query(static_cast<int>(interface_index), 0, &about); error != 0) return error;
  const std::pair<std::uint32_t, unsigned> kinds[] = {{about.drv_prog_id, XDP_FLAGS_DRV_MODE},
                                                      {about.skb_prog_id, XDP_FLAGS_SKB_MODE},
                                                      {about.hw_prog_id, XDP_FLAGS_HW_MODE},
                                                      {about.prog_id, 0}};
  for (const auto& [id, flags] : kinds)
    if (id != 0) {
      attached = {id, flags};
      return 0;
    }
  attached = {};
  return 0;
}

/// A copy of the descriptor of this process that is of `kind` and has `id`; negative: none.
int own_file(std::string_view kind, std::uint32_t id) {
  std::error_code fault;
  for (fs::directory_iterator files{"/proc/self/fd", fault}; !fault && files != fs::directory_iterator{};
       files.increment(fault)) {
    std::error_code gone;
    if (fs::read_symlink(files->path(), gone).string() != kind) continue;
    const int file = std::atoi(files->path().filename().c_str());
    // Of programs and maps alike the first words are type and id. The kernel gives as many bytes as are asked for.
    struct {
      std::uint32_t type, id;
    } head{};
    std::uint32_t size = sizeof head;
    if (bpf_obj_get_info_by_fd(file, &head, &size) == 0 && head.id == id) return fcntl(file, F_DUPFD_CLOEXEC, 0);
  }
  return -ENOENT;
}

int or_own(int by_id, std::string_view kind, std::uint32_t id) {
  const int error = errno;
  if (by_id >= 0 || error != EPERM) return by_id >= 0 ? by_id : -error;
  const int file = own_file(kind, id);
  return file >= 0 ? file : -error;
}

std::string name_of(std::uint32_t id) {
  const int file = open_bpf_program(id);
  if (file < 0) return {};
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  const int error = bpf_obj_get_info_by_fd(file, &info, &size);
  close(file);
  return error == 0 ? std::string{info.name} : std::string{};
}

/// Whether one of a process's open files is the program.
bool holds(const fs::path& process, std::uint32_t id) {
  const std::string wanted = "prog_id:\t" + std::to_string(id);
  std::error_code fault;
  for (fs::directory_iterator files{process / "fdinfo", fault}; !fault && files != fs::directory_iterator{};
       files.increment(fault)) {
    std::ifstream file{files->path()};
    for (std::string line; std::getline(file, line);)
      if (line == wanted) return true;
  }
  return false;
}

/// "process 77, serried-server" of those that we may look at; empty: none holds it.
std::string holder_of(std::uint32_t id) {
  std::error_code fault;
  for (fs::directory_iterator processes{"/proc", fault}; !fault && processes != fs::directory_iterator{};
       processes.increment(fault)) {
    const std::string number = processes->path().filename().string();
    if (number.find_first_not_of("0123456789") != std::string::npos || !holds(processes->path(), id)) continue;
    std::string name;
    std::getline(std::ifstream{processes->path() / "comm"}, name);
    return std::string("process ").append(number).append(", ").append(name);
  }
  return {};
}

/// Try to bind an AF_XDP socket to one queue, and close it again; the error that the kernel gives.
int try_queue(unsigned interface_index, unsigned queue) {
  constexpr std::size_t bytes = 4 * 4'096;
  constexpr unsigned slots = 4;
  const int file = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (file < 0) return errno;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  xdp_umem_reg umem{};
  umem.addr = reinterpret_cast<std::uint64_t>(memory);
  umem.len = bytes;
  umem.chunk_size = 4'096;
  sockaddr_xdp address{};
  address.sxdp_family = AF_XDP;
  address.sxdp_flags = XDP_COPY;  // the driver notices nothing
  address.sxdp_ifindex = interface_index;
  address.sxdp_queue_id = queue;
  const bool bound = memory != MAP_FAILED && setsockopt(file, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem) == 0 &&
                     setsockopt(file, SOL_XDP, XDP_UMEM_FILL_RING, &slots, sizeof slots) == 0 &&
                     setsockopt(file, SOL_XDP, XDP_UMEM_COMPLETION_RING, &slots, sizeof slots) == 0 &&
                     setsockopt(file, SOL_XDP, XDP_RX_RING, &slots, sizeof slots) == 0 &&
                     bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = bound ? 0 : errno;
  close(file);
  if (memory != MAP_FAILED) munmap(memory, bytes);
  return error;
}

/// Whether no queue of the interface has an AF_XDP socket, of whatever process in whatever namespace: the kernel gives
/// a queue to one. False where that cannot be found out.
bool is_unused(unsigned interface_index) {
  for (unsigned queue = 0;; ++queue) {
    const int error = try_queue(interface_index, queue);
    if (queue > 0 && error == EINVAL) return true;  // there is no such queue
    if (error != 0) return false;
  }
}

/// Whether a killed process left the program, known by its id. The kernel gives a socket's queue back some time after
/// its process has ended, and after ours has closed one, too.
bool is_left_over(unsigned interface_index, std::uint32_t id) {
  constexpr unsigned step_us = 100'000;
  for (int tries = 0; tries < 30 && holder_of(id).empty(); ++tries) {
    const bool unused = is_unused(interface_index);
    usleep(step_us);
    if (unused) return true;
  }
  return false;
}

std::string describe_program(std::uint32_t id, const std::string& name, const std::string& holder) {
  std::string text = "program " + std::to_string(id) + " (";
  if (!name.empty()) text.append("\"").append(name).append("\", ");
  return text + (holder.empty() ? "of a process that is not known" : "held by " + holder) + ")";
}

Result<Done> claim(const std::string& interface) {
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0) return Done{};  // the driver will say so
  Attached attached;
  if (const int error = ask(index, attached); error != 0)
    return Error{"interface " + interface + " cannot be asked for its XDP program: " + std::strerror(-error)};
  if (attached.id == 0) return Done{};
  const int seen = open_bpf_program(attached.id);
  if (seen >= 0) close(seen);
  const std::string name = name_of(attached.id);
  bool known = false;
  for (const std::string_view ours : af_xdp_programs) known = known || name == ours;
  if (known && is_left_over(index, attached.id)) {
    // Only this very program: who attaches another meanwhile keeps it.
    const int file = open_bpf_program(attached.id);
    bpf_xdp_attach_opts same{};
    same.sz = sizeof same;
    same.old_prog_fd = file;
    const int error = file < 0 ? file : bpf_xdp_detach(static_cast<int>(index), attached.flags, &same);
    if (file >= 0) close(file);
    if (error == 0) return Done{};
  }
  return Error{"interface " + interface +
               " has an XDP program already: " + describe_program(attached.id, name, holder_of(attached.id)) +
               "; end the process that uses it, or take it off with ip link set " + interface + " xdp off" +
               (seen == -EPERM ? " (whether a killed server left it can only be seen with CAP_SYS_ADMIN)" : "")};
}

}  // namespace

SERRIED_SETUP std::vector<std::string> af_xdp_interfaces(const std::vector<std::string>& eal_arguments) {
  constexpr std::string_view option = "--vdev", driver = "net_af_xdp", key = "iface=";
  std::vector<std::string> interfaces;
  for (std::size_t i = 0; i < eal_arguments.size(); ++i) {
    std::string_view device = eal_arguments[i];
    if (device == option && i + 1 < eal_arguments.size())
      device = eal_arguments[++i];
    else if (device.starts_with(option) && device.substr(option.size()).starts_with('='))
      device.remove_prefix(option.size() + 1);
    else
      continue;
    if (!device.starts_with(driver)) continue;
    for (std::size_t comma = device.find(','); comma != std::string_view::npos;) {
      device.remove_prefix(comma + 1);
      comma = device.find(',');
      const std::string_view word = device.substr(0, comma);
      if (word.starts_with(key)) interfaces.emplace_back(word.substr(key.size()));
    }
  }
  return interfaces;
}

SERRIED_SETUP Result<Done> claim_af_xdp_interfaces(const std::vector<std::string>& eal_arguments) {
  for (const std::string& interface : af_xdp_interfaces(eal_arguments))
    if (auto done = claim(interface); !done) return done.error();
  return Done{};
}

SERRIED_SETUP int open_bpf_program(std::uint32_t id) noexcept {
  return or_own(bpf_prog_get_fd_by_id(id), "anon_inode:bpf-prog", id);
}

SERRIED_SETUP int open_bpf_map(std::uint32_t id) noexcept {
  return or_own(bpf_map_get_fd_by_id(id), "anon_inode:bpf-map", id);
}

SERRIED_SETUP Result<XdpProgram> XdpProgram::take(unsigned interface_index) {
  Attached attached;
  const std::string where = "XDP program at interface " + std::to_string(interface_index);
  if (const int error = ask(interface_index, attached); error != 0)
    return Error{where + " cannot be asked for: " + std::strerror(-error)};
  if (attached.id == 0) return Error{where + " is missing, though the driver attached one"};
  XdpProgram program;
  program.interface_index_ = interface_index;
  program.id_ = attached.id;
  program.flags_ = attached.flags;
  // One that cannot be held is watched, and cannot be put back.
  program.file_ = open_bpf_program(attached.id);
  return program;
}

SERRIED_SETUP XdpProgram::XdpProgram(XdpProgram&& other) noexcept
    : interface_index_(std::exchange(other.interface_index_, 0)),
      id_(std::exchange(other.id_, 0)),
      file_(std::exchange(other.file_, -1)),
      flags_(std::exchange(other.flags_, 0)) {}

SERRIED_SETUP XdpProgram& XdpProgram::operator=(XdpProgram&& other) noexcept {
  std::swap(interface_index_, other.interface_index_);
  std::swap(id_, other.id_);
  std::swap(file_, other.file_);
  std::swap(flags_, other.flags_);
  return *this;
}

SERRIED_SETUP XdpProgram::~XdpProgram() {
  if (file_ >= 0) close(file_);
}

XdpProgram::State XdpProgram::state() const noexcept {
  if (id_ == 0) return State::ours;  // nothing was taken, so nothing is missing
  Attached attached;
  if (ask(interface_index_, attached) != 0) return State::unknown;
  if (attached.id == 0) return State::gone;
  return attached.id == id_ ? State::ours : State::another;
}

SERRIED_SETUP Result<Done> XdpProgram::put_back() const {
  if (file_ < 0) return Error{"there is no right to attach it again (CAP_SYS_ADMIN as the server starts)"};
  const unsigned flags = flags_ | XDP_FLAGS_UPDATE_IF_NOEXIST;
  if (const int error = bpf_xdp_attach(static_cast<int>(interface_index_), file_, flags, nullptr); error != 0)
    return Error{std::string{"the kernel does not attach it again: "} + std::strerror(-error)};
  return Done{};
}

SERRIED_SETUP std::string XdpProgram::describe() const {
  Attached attached;
  if (ask(interface_index_, attached) != 0 || attached.id == 0) return "no program";
  return describe_program(attached.id, name_of(attached.id), holder_of(attached.id));
}

SERRIED_SETUP bool XdpProgram::may_close(unsigned interface_index) const noexcept {
  Attached attached;
  if (ask(interface_index, attached) != 0 || attached.id == 0 || attached.id == id_) return true;
  return holds("/proc/self", attached.id);
}

OutOfSight::OutOfSight() noexcept : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  hidden_ = home_ >= 0 && unshare(CLONE_NEWNET) == 0;
}

OutOfSight::~OutOfSight() {
  if (hidden_) static_cast<void>(setns(home_, CLONE_NEWNET));
  if (home_ >= 0) close(home_);
}

}  // namespace serried::port
