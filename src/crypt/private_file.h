#pragma once
/// Files of keys: made for their owner alone, never overwritten, and refused when strangers can read them. Set-up and
/// tools only.

#include <cstddef>
#include <string>
#include <string_view>

#include "serried/result.h"

namespace serried::crypt {

/// How a kind of file is spoken of, and what is asked of it.
struct FileKind {
  std::string_view name;          ///< "token key": messages say "token key file '...'"
  std::size_t bytes_max = 65536;  ///< what is larger is something else
  bool secret = true;             ///< mode 0600, and refused when others may read it; else 0644
};

[[nodiscard]] std::string file_text(const FileKind& kind, const std::string& file);
/// Create `file` with this text, which is wiped. An existing file is an error, and stays as it is.
[[nodiscard]] Result<Done> save_text(const FileKind& kind, const std::string& file, std::string text);
/// The whole file. The caller wipes the text.
[[nodiscard]] Result<std::string> load_text(const FileKind& kind, const std::string& file);
void wipe_text(std::string& text) noexcept;
/// A descriptor to write `file` with, which its owner alone may read: new with mode 0600, or an older file of ours,
/// emptied and set to that mode. Devices (/dev/null) and FIFOs of ours are taken as they are. The caller closes it.
/// Error: a symbolic link, a file of another user or one with a second name, a mode that cannot be set. What the file
/// held is then untouched.
[[nodiscard]] Result<int> open_private(const std::string& file);

/// What `parse`, a function from std::string_view to some Result, makes of the file. Its fault names the file.
template <class Parse>
[[nodiscard]] auto load_parsed(const FileKind& kind, const std::string& file, const Parse& parse)
    -> decltype(parse(std::string_view())) {
  Result<std::string> text = load_text(kind, file);
  if (!text) return text.error();
  auto parsed = parse(std::string_view(text.value()));
  wipe_text(text.value());
  if (!parsed) return parsed.error().within(file_text(kind, file));
  return parsed;
}

}  // namespace serried::crypt
