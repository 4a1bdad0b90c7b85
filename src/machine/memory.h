#pragma once
/// Memory by NUMA node: which CPUs a node has, and which hugepages are reserved there.

#include <cstdint>
#include <string>
#include <vector>

#include "machine/view.h"

namespace serried::machine {

/// Hugepages of one size.
struct HugePages {
  std::uint64_t page_bytes = 0;
  std::uint64_t reserved = 0, free = 0;  ///< pages
  std::string folder;                    ///< of the kernel, that has them
};

struct Node {
  unsigned number = 0;
  std::vector<unsigned> cpus;
  std::vector<HugePages> pages;  ///< smallest first
  std::uint64_t memory_bytes = 0;
};

/// Nodes with memory. Where the kernel shows none, one node 0 with what is known of the machine as a whole.
[[nodiscard]] std::vector<Node> nodes(const View& view);

[[nodiscard]] std::uint64_t free_bytes(const Node& node) noexcept;

/// Pages that files of a former run hold in the mounts of hugetlbfs; the next run of the same --file-prefix takes them
/// back.
[[nodiscard]] unsigned leftover_pages(const View& view, const std::string& file_prefix);

struct HugeMount {
  std::string folder;
  std::uint64_t page_bytes = 0;  ///< 0: the kernel's default size
};
[[nodiscard]] std::vector<HugeMount> huge_mounts(const View& view);

}  // namespace serried::machine
