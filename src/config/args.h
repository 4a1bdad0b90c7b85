#pragma once
/// The command line before anything reads it: EAL's part and our own, divided at `--`.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"

namespace serried::config {

struct Arguments {
  std::string program;
  std::vector<std::string> eal;  ///< before `--`
  std::vector<std::string> own;  ///< behind it; everything when there is no `--`, so that EAL never eats our options
};

[[nodiscard]] Arguments split_arguments(std::span<const char* const> argv);

/// Give every net_af_xdp device that names no program of its own ours, at `program`.
void add_xdp_program(std::vector<std::string>& eal, const std::string& program);

/// How a profile that wants hugepages gets its memory: while so many bytes are free in them --in-memory, else small
/// pages. Nothing where the arguments say what memory is of.
void add_memory(std::vector<std::string>& eal, std::uint64_t needed_bytes, std::uint64_t small_page_bytes,
                std::uint64_t free_huge_bytes);

/// The arguments for EAL, without a program name. Adds what the user left out and the server needs:
/// - sockets without any EAL option: no hugepages, no devices, no files, so that it runs anywhere without rights;
/// - a --file-prefix of its own, unless there is one, so that two servers on a machine do not meet in each other's
///   files. With hugepages it is by UDP port and not by process id: a restart after a crash takes its old pages back.
[[nodiscard]] std::vector<std::string> eal_arguments(const Arguments& arguments, const ServerConfig& config,
                                                     int process_id);

}  // namespace serried::config
