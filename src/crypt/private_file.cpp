/// Files of keys on disk. See private_file.h for the rules.

#include "crypt/private_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/setup.h"
#include "crypt/keys.h"

namespace serried::crypt {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

// Says what errno is: to be called before anything else can change it.
[[nodiscard]] Error system_error(const char* what, const FileKind& kind, const std::string& file) {
  return Error{std::string(what) + " " + file_text(kind, file) + ": " + std::strerror(errno)};
}

[[nodiscard]] bool write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

// The whole file, or one byte more than it may have, into `text`, which is sized once, so that growing leaves no copy
// of the secret behind.
[[nodiscard]] bool read_all(int descriptor, std::string& text, std::size_t bytes_max) {
  text.resize(bytes_max + 1);
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

SERRIED_SETUP std::string file_text(const FileKind& kind, const std::string& file) {
  return std::string(kind.name) + " file '" + file + "'";
}

void wipe_text(std::string& text) noexcept { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

SERRIED_SETUP Result<std::string> load_text(const FileKind& kind, const std::string& file) {
  // Without waiting: a pipe would keep us until it has a writer.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!descriptor.valid()) return system_error("cannot open", kind, file);
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) return system_error("cannot examine", kind, file);
  if (!S_ISREG(status.st_mode)) return Error{file_text(kind, file) + " is not a regular file"};
  if (kind.secret && (status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    return Error{file_text(kind, file) + " is open to other users of this machine; run: chmod 600 '" + file + "'"};
  std::string text;
  if (!read_all(descriptor.number(), text, kind.bytes_max)) {
    const Error error = system_error("cannot read", kind, file);
    wipe_text(text);
    return error;
  }
  if (text.size() > kind.bytes_max) {
    wipe_text(text);
    return Error{file_text(kind, file) + " is too large to be one"};
  }
  return text;
}

SERRIED_SETUP Result<Done> save_text(const FileKind& kind, const std::string& file, std::string text) {
  const auto save = [&]() -> Result<Done> {
    // O_EXCL: a key that is overwritten locks out all holders of what was made with it.
    const Descriptor descriptor(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kind.secret ? 0600 : 0644));
    if (!descriptor.valid()) {
      if (errno == EEXIST)
        return Error{file_text(kind, file) + " exists already; remove it first, or choose another name"};
      return system_error("cannot create", kind, file);
    }
    // Some file systems have one mode for all that they hold.
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0 || (kind.secret && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
      ::unlink(file.c_str());
      return Error{file_text(kind, file) + " would be open to other users of this machine: choose another file system"};
    }
    if (write_all(descriptor.number(), text)) return Done{};
    const Error error = system_error("cannot write", kind, file);
    ::unlink(file.c_str());
    return error;
  };
  Result<Done> saved = save();
  wipe_text(text);
  return saved;
}

SERRIED_SETUP Result<int> open_private(const std::string& file) {
  const auto refused = [&](const std::string& why) { return Error{"cannot write '" + file + "': " + why}; };
  // Not O_TRUNC: nothing is lost before the file has proved to be ours.
  // Without waiting: a pipe would keep us until it has a reader.
  Descriptor descriptor(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (!descriptor.valid())
    return refused(errno == ELOOP   ? "it is a symbolic link"
                   : errno == ENXIO ? "it is a pipe that no program reads"
                                    : std::strerror(errno));
  if (::fcntl(descriptor.number(), F_SETFL, 0) != 0) return refused(std::strerror(errno));
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) return refused(std::strerror(errno));
  if (S_ISCHR(status.st_mode)) return descriptor.release();
  if (status.st_uid != ::geteuid()) return refused("it belongs to another user");
  if (!S_ISREG(status.st_mode)) return descriptor.release();
  if (status.st_nlink != 1) return refused("it has another name (a hard link)");
  // An older file has the mode that it was made with, and some file systems have no other than one for all.
  if (::fchmod(descriptor.number(), 0600) != 0)
    return refused(std::string("its mode cannot be set: ") + std::strerror(errno));
  if (::fstat(descriptor.number(), &status) != 0) return refused(std::strerror(errno));
  if ((status.st_mode & 07777) != 0600) return refused("its file system does not keep it from other users");
  if (::ftruncate(descriptor.number(), 0) != 0) return refused(std::strerror(errno));
  return descriptor.release();
}

}  // namespace serried::crypt
