#pragma once
/// On which NUMA node memory lies: asked for by the policy of a thread or of a range, and counted page by page. All of
/// it is a wish. A full node gives way to the others, and a system that forbids the calls (containers do) leaves memory
/// where it comes to lie; the first refusal is kept, for a line in the log.
///
///     PreferredNode     what this thread touches first, as long as it lives
///     prefer_node       a range, by which thread it is touched does not matter
///     spread_over       a range that no thread is nearest to: its pages in turn on several nodes

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace serried::base {

/// No node: not known, or none is better than another.
inline constexpr int any_node = -1;

/// Memory that this thread touches first while this lives comes from one node.
class PreferredNode {
 public:
  /// any_node: nothing is called.
  explicit PreferredNode(int node) noexcept;
  /// The thread's policy is what it was.
  ~PreferredNode();
  PreferredNode(const PreferredNode&) = delete;
  PreferredNode& operator=(const PreferredNode&) = delete;

 private:
  static constexpr std::size_t words = 16;
  bool set_ = false;
  int mode_ = 0;
  unsigned long nodes_[words] = {};
};

/// The whole pages of `range` come from `node` when they are touched first; those that have been touched move there.
/// any_node: nothing is called.
void prefer_node(std::span<std::byte> range, int node) noexcept;

/// The whole pages of `range` come from `nodes` in turn. Empty: nothing is called.
void spread_over(std::span<std::byte> range, std::span<const int> nodes) noexcept;

/// Why the system refused the first of these calls that it refused, and which one that was; empty: it refused none.
[[nodiscard]] std::string refused_policy();

/// Where the memory of some pages is. What was never touched has none and is not counted.
struct NodePages {
  std::uint64_t there = 0;      ///< on the node that was asked for
  std::uint64_t elsewhere = 0;  ///< on others
  NodePages& operator+=(const NodePages& other) noexcept {
    there += other.there;
    elsewhere += other.elsewhere;
    return *this;
  }
};

/// Count the pages that lie wholly in `range` by where they are. None: the system forbids to ask.
[[nodiscard]] std::optional<NodePages> count_pages(std::span<const std::byte> range, int node) noexcept;

[[nodiscard]] std::size_t page_bytes() noexcept;

/// The pages that lie wholly in a range.
template <class Byte>
[[nodiscard]] std::span<Byte> whole_pages(std::span<Byte> range) noexcept {
  const std::size_t page = page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(range.data());
  const std::size_t before = (page - begin % page) % page;
  if (range.size() < before) return {};
  return range.subspan(before, (range.size() - before) / page * page);
}

}  // namespace serried::base
