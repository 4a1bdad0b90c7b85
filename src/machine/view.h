#pragma once
/// What the kernel tells of its machine in files: /proc, /sys, /etc. A view stands on a root folder, so that a test
/// makes a machine of a few files and an operator looks at one that is not running, or not here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace serried::machine {

/// Owner and permissions of a file.
struct Access {
  unsigned user = 0, group = 0;
  unsigned mode = 0;  ///< the lower nine bits
};

class View {
 public:
  /// Of this machine, or of one whose files lie below `root`.
  explicit View(std::string root = "");

  /// Paths are absolute as the machine has them: "/proc/meminfo".
  /// The text of a file without the blanks at its end; none: there is no such file, or it may not be read.
  [[nodiscard]] std::optional<std::string> text(std::string_view path) const;
  /// Its lines; none at all where text() has none.
  [[nodiscard]] std::vector<std::string> lines(std::string_view path) const;
  /// A file that holds a whole number.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view path) const;
  /// What stands behind `key` and a colon, or blanks, in a file of such lines (/proc/self/status); without the blanks
  /// around it.
  [[nodiscard]] std::optional<std::string> field(std::string_view path, std::string_view key) const;
  /// The names in a folder, in order; numbers in theirs (rx-2 before rx-10). Empty: none, or no such folder.
  [[nodiscard]] std::vector<std::string> names(std::string_view path) const;
  [[nodiscard]] bool exists(std::string_view path) const;
  /// The last part of where a symbolic link leads: of /sys/.../driver the driver's name. Empty: there is no such link.
  [[nodiscard]] std::string link(std::string_view path) const;
  [[nodiscard]] std::optional<Access> access(std::string_view path) const;
  /// Whether this is the machine that the process runs on.
  [[nodiscard]] bool here() const noexcept { return root_.empty(); }

 private:
  [[nodiscard]] std::string place(std::string_view path) const;

  std::string root_;
};

/// Parts of a text between blanks.
[[nodiscard]] std::vector<std::string> words(std::string_view text);
/// The numbers of "0-3,8"; what is no such list ends it.
[[nodiscard]] std::vector<unsigned> parse_cpu_list(std::string_view text);
/// "0-3,8": of numbers in rising order.
[[nodiscard]] std::string format_cpu_list(const std::vector<unsigned>& cpus);

}  // namespace serried::machine
