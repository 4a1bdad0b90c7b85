#pragma once
/// A machine of files: what a kernel would show in /proc and /sys, below a folder that ends with the test.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "machine/view.h"

namespace serried::support {

class MadeUpMachine {
 public:
  MadeUpMachine() {
    std::string name = (std::filesystem::temp_directory_path() / "serried-machine-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) root_ = name;
  }
  ~MadeUpMachine() {
    std::error_code fault;
    if (!root_.empty()) std::filesystem::remove_all(root_, fault);
  }
  MadeUpMachine(const MadeUpMachine&) = delete;
  MadeUpMachine& operator=(const MadeUpMachine&) = delete;

  /// A file, with the folders that it stands in; one that is there is written anew.
  MadeUpMachine& file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(place(path).parent_path());
    std::ofstream{place(path)} << text << '\n';
    return *this;
  }
  /// A symbolic link that leads to `target`, which need not be there.
  MadeUpMachine& link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories(place(path).parent_path());
    std::filesystem::remove(place(path));
    std::filesystem::create_symlink(target, place(path));
    return *this;
  }
  MadeUpMachine& folder(const std::string& path) {
    std::filesystem::create_directories(place(path));
    return *this;
  }
  MadeUpMachine& without(const std::string& path) {
    std::filesystem::remove_all(place(path));
    return *this;
  }

  [[nodiscard]] std::string root() const { return root_.string(); }
  [[nodiscard]] machine::View view() const { return machine::View{root()}; }

 private:
  [[nodiscard]] std::filesystem::path place(const std::string& path) const { return root_ / path.substr(1); }

  std::filesystem::path root_;
};

}  // namespace serried::support
