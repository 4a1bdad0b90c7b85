#include "base/numa.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace serried::base {
namespace {

constexpr std::size_t bits = 8 * sizeof(unsigned long);
constexpr std::size_t nodes_max = 1'024;  // as many as a kernel can be built for
/// The kernel takes one off what it is told.
constexpr unsigned long mask_bits = nodes_max + 1;

using NodeMask = std::array<unsigned long, nodes_max / bits>;

enum Call : int { none, set_mempolicy, mbind };
constexpr std::array call_names{"", "set_mempolicy", "mbind"};
std::atomic<int> refused_error{0};
std::atomic<Call> refused_call{none};

bool add(NodeMask& mask, int node) noexcept {
  if (node < 0 || static_cast<std::size_t>(node) >= nodes_max) return false;
  mask[static_cast<std::size_t>(node) / bits] |= 1UL << static_cast<std::size_t>(node) % bits;
  return true;
}

/// errno stays what it was: a wish that is not granted is no error.
bool granted(Call call, long result, int errno_before) noexcept {
  if (result == 0) return true;
  int expected = 0;
  if (refused_error.compare_exchange_strong(expected, errno)) refused_call = call;
  errno = errno_before;
  return false;
}

void bind(std::span<std::byte> range, unsigned long mode, const NodeMask& mask) noexcept {
  const std::span<std::byte> pages = whole_pages(range);
  if (pages.empty()) return;
  const int before = errno;
  granted(mbind, syscall(SYS_mbind, pages.data(), pages.size(), mode, mask.data(), mask_bits, MPOL_MF_MOVE), before);
}

}  // namespace

PreferredNode::PreferredNode(int node) noexcept {
  static_assert(sizeof nodes_ == sizeof(NodeMask));
  NodeMask mask{};
  if (!add(mask, node)) return;
  const int before = errno;
  if (syscall(SYS_get_mempolicy, &mode_, nodes_, mask_bits, nullptr, 0UL) != 0) mode_ = MPOL_DEFAULT;
  set_ = granted(set_mempolicy, syscall(SYS_set_mempolicy, MPOL_PREFERRED, mask.data(), mask_bits), before);
}

PreferredNode::~PreferredNode() {
  if (!set_) return;
  const bool plain = mode_ == MPOL_DEFAULT;
  const int before = errno;
  granted(set_mempolicy, syscall(SYS_set_mempolicy, mode_, plain ? nullptr : nodes_, plain ? 0UL : mask_bits), before);
}

void prefer_node(std::span<std::byte> range, int node) noexcept {
  NodeMask mask{};
  if (add(mask, node)) bind(range, MPOL_PREFERRED, mask);
}

void spread_over(std::span<std::byte> range, std::span<const int> nodes) noexcept {
  NodeMask mask{};
  bool any = false;
  for (const int node : nodes) any = add(mask, node) || any;
  if (any) bind(range, MPOL_INTERLEAVE, mask);
}

std::string refused_policy() {
  const int error = refused_error.load();
  if (error == 0) return {};
  return std::string{call_names[refused_call.load()]} + ": " + std::strerror(error);
}

std::optional<NodePages> count_pages(std::span<const std::byte> range, int node) noexcept {
  constexpr std::size_t batch = 512;
  const std::size_t page = page_bytes();
  const std::span<const std::byte> pages = whole_pages(range);
  NodePages counted;
  std::array<const void*, batch> at;
  std::array<int, batch> status;
  for (std::size_t done = 0; done < pages.size();) {
    std::size_t count = 0;
    for (; count < batch && done < pages.size(); ++count, done += page) at[count] = pages.data() + done;
    const int before = errno;
    if (syscall(SYS_move_pages, 0, count, at.data(), nullptr, status.data(), 0) != 0) {
      errno = before;
      return std::nullopt;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (status[i] < 0) continue;  // no memory yet
      ++(status[i] == node ? counted.there : counted.elsewhere);
    }
  }
  return counted;
}

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace serried::base
