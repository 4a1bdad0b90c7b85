#pragma once
/// What a process may do, and who may look into it.
/// Source  capabilities(7), prctl(2), core(5), mlockall(2)

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "serried/result.h"

namespace serried::process {

/// A capability of Linux, by its number there.
enum class Right : std::uint8_t { net_admin = 12, net_raw = 13, ipc_lock = 14, sys_admin = 21, bpf = 39 };

/// The right to change maps and programs of BPF: sys_admin where the kernel has no right of that name (before 5.8).
[[nodiscard]] Right right_to_bpf() noexcept;

/// Before the first secret is read, and before another thread is started, for the first is of a thread: no program that
/// this one starts gains rights, other processes of its user do not read its memory, and a crash leaves no core, which
/// would hold keys. `core_dumps`: only the first of these.
void keep_secrets(bool core_dumps) noexcept;

/// Memory, of now and of later, is not written to swap: pages stay once they were used. Returns the rights that it
/// takes as long as the process lives: where the limit of locked memory cannot be lifted, ipc_lock, without which
/// memory that is asked for later would be refused. Error: neither can be had, and nothing is locked.
[[nodiscard]] Result<std::vector<Right>> lock_memory();

/// Every thread gives up all rights but these, for good; returns the names of those that it had and keeps. Error:
/// some thread still has more, or it cannot be seen whether one has; the calling thread may have given them up. May be
/// called from one thread at a time, and no thread may end meanwhile.
[[nodiscard]] Result<std::vector<std::string>> keep_only(std::span<const Right> rights);

/// The signal by which keep_only reaches other threads: they may not block it.
[[nodiscard]] int rights_signal() noexcept;

/// Before other threads are started, which inherit it: rights_signal is not blocked, as it may be by who started us.
void hear_rights_signal() noexcept;

}  // namespace serried::process
