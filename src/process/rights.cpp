#include "process/rights.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <linux/capability.h>
#include <optional>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace serried::process {
namespace {

struct Named {
  Right right;
  const char* name;
};
constexpr std::array names{Named{Right::net_admin, "CAP_NET_ADMIN"}, Named{Right::net_raw, "CAP_NET_RAW"},
                           Named{Right::ipc_lock, "CAP_IPC_LOCK"}, Named{Right::sys_admin, "CAP_SYS_ADMIN"},
                           Named{Right::bpf, "CAP_BPF"}};

constexpr timespec between_looks{0, 1'000'000};
constexpr unsigned looks_max = 1'000;

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

/// Of a thread; 0: the calling one. errno as usual.
bool capabilities_of(pid_t thread, Sets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, thread};
  return syscall(SYS_capget, &header, sets.data()) == 0;
}

constexpr std::uint64_t bit(Right right) { return std::uint64_t{1} << static_cast<unsigned>(right); }

std::uint64_t permitted(const Sets& sets) { return std::uint64_t{sets[1].permitted} << 32 | sets[0].permitted; }

/// What every thread is to have. Set before the signal is sent, and not changed until all have taken it.
Sets wanted;

void take_wanted() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  syscall(SYS_capset, &header, wanted.data());
}

void on_rights_signal(int) {
  const int before = errno;
  take_wanted();
  errno = before;
}

Result<std::vector<pid_t>> threads() {
  const auto error = [] {
    return Error{std::string{"the threads of this process cannot be listed (/proc/self/task): "} +
                 std::strerror(errno)};
  };
  std::vector<pid_t> found;
  DIR* const folder = opendir("/proc/self/task");
  if (folder == nullptr) return error();
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(folder);
    if (entry == nullptr) break;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    pid_t thread = 0;
    if (std::from_chars(entry->d_name, end, thread).ptr == end) found.push_back(thread);
  }
  if (errno != 0) {
    const Error why = error();
    closedir(folder);
    return why;
  }
  closedir(folder);
  return found;
}

}  // namespace

void keep_secrets(bool core_dumps) noexcept {
  prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
  if (core_dumps) return;
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}

Right right_to_bpf() noexcept {
  return prctl(PR_CAPBSET_READ, static_cast<unsigned long>(Right::bpf), 0UL, 0UL, 0UL) < 0 ? Right::sys_admin
                                                                                           : Right::bpf;
}

Result<std::vector<Right>> lock_memory() {
  std::vector<Right> needed;
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (limit.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0) {
    Sets sets{};
    if (!capabilities_of(0, sets) || (permitted(sets) & bit(Right::ipc_lock)) == 0)
      return Error{"the limit of locked memory is " + std::to_string(limit.rlim_max >> 10) +
                   " KiB; raise it (ulimit -l unlimited)"};
    needed.push_back(Right::ipc_lock);
  }
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return Error{std::strerror(errno)};
  return needed;
}

Result<std::vector<std::string>> keep_only(std::span<const Right> rights) {
  Sets before{};
  if (!capabilities_of(0, before)) return Error{std::string{"capabilities cannot be read: "} + std::strerror(errno)};
  std::uint64_t kept = 0;
  std::vector<std::string> kept_names;
  for (const auto& [right, name] : names) {
    if (std::find(rights.begin(), rights.end(), right) == rights.end() || (permitted(before) & bit(right)) == 0)
      continue;
    kept |= bit(right);
    kept_names.emplace_back(name);
  }
  const auto low = static_cast<std::uint32_t>(kept), high = static_cast<std::uint32_t>(kept >> 32);
  wanted = {};
  wanted[0].effective = wanted[0].permitted = low;
  wanted[1].effective = wanted[1].permitted = high;
  take_wanted();

  // capset(2) is of a thread, and drivers have made some of their own.
  struct sigaction action {};
  action.sa_handler = on_rights_signal;
  action.sa_flags = SA_RESTART;
  sigaction(rights_signal(), &action, nullptr);
  std::vector<pid_t> told;
  std::size_t behind = 0;
  std::optional<Error> blind;
  for (unsigned look = 0; look < looks_max; ++look) {
    behind = 0;
    const auto all = threads();
    if (!all) {
      blind = all.error();
      break;
    }
    for (const pid_t thread : all.value()) {
      Sets now{};
      const bool seen = capabilities_of(thread, now);
      if (seen ? (permitted(now) & ~kept) == 0 : errno == ESRCH) continue;
      ++behind;
      if (std::find(told.begin(), told.end(), thread) != told.end()) continue;
      told.push_back(thread);
      syscall(SYS_tgkill, getpid(), thread, rights_signal());
    }
    if (behind == 0) break;
    nanosleep(&between_looks, nullptr);
  }
  std::signal(rights_signal(), SIG_IGN);
  if (blind) return *blind;
  if (behind != 0)
    return Error{"of the threads of this process " + std::to_string(behind) + " still have rights that are not needed"};
  return kept_names;
}

int rights_signal() noexcept { return SIGRTMIN; }

void hear_rights_signal() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, rights_signal());
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace serried::process
