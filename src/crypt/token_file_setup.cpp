/// Key files on disk: made for their owner alone, and refused when strangers can read them.

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt/token_text.h"

namespace serried::crypt {
namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

[[nodiscard]] Error system_error(const char* what, const std::string& file) {
  return Error{std::string(what) + " token key file '" + file + "': " + std::strerror(errno)};
}

void wipe_text(std::string& text) noexcept { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

[[nodiscard]] bool write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

// The whole file into `text`, which is sized once, so that growing leaves no copy of the secret behind.
[[nodiscard]] bool read_all(int descriptor, std::string& text) {
  text.resize(file_bytes_max + 1);
  std::size_t held = 0;
  while (held < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + held, text.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    held += static_cast<std::size_t>(got);
  }
  text.resize(held);
  return true;
}

}  // namespace

Result<TokenKey> load_token_key(const std::string& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.valid()) return system_error("cannot open", file);
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) return system_error("cannot examine", file);
  if (!S_ISREG(status.st_mode)) return Error{"token key file '" + file + "' is not a regular file"};
  if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    return Error{"token key file '" + file + "' is open to other users of this machine; run: chmod 600 '" + file + "'"};
  std::string text;
  if (!read_all(descriptor.number(), text)) {
    const Error error = system_error("cannot read", file);
    wipe_text(text);
    return error;
  }
  if (text.size() > file_bytes_max) {
    wipe_text(text);
    return Error{"token key file '" + file + "' is too large to be one"};
  }
  Result<TokenKey> key = parse_token_key(text);
  wipe_text(text);
  if (!key) return key.error().within("token key file '" + file + "'");
  return key;
}

Result<Done> save_token_key(const TokenKey& key, const std::string& file) {
  // O_EXCL: a key that is overwritten locks out everybody whose token it sealed.
  const Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!descriptor.valid()) {
    if (errno == EEXIST)
      return Error{"token key file '" + file + "' exists already; remove it first, or choose another name"};
    return system_error("cannot create", file);
  }
  std::string text = format_token_key(key);
  const bool written = write_all(descriptor.number(), text);
  wipe_text(text);
  if (written) return Done{};
  const Error error = system_error("cannot write", file);
  ::unlink(file.c_str());
  return error;
}

}  // namespace serried::crypt
