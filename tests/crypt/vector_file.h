#pragma once
/// Reads the test vectors of others in tests/crypt/data, whose first lines say where each file is from.

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "crypt/support.h"

namespace serried::crypt {

/// One line: number, fields, verdict, and why it is there.
struct VectorCase {
  unsigned number = 0;
  std::vector<std::string> fields;
  bool valid = false;
  std::string why;
};

/// All cases of tests/crypt/data/`name`; empty when there is no such file. A line of another form ends the program.
inline std::vector<VectorCase> read_vectors(const std::string& name, std::size_t fields) {
  std::ifstream file(std::string(SERRIED_SOURCE_ROOT) + "/tests/crypt/data/" + name);
  std::vector<VectorCase> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    VectorCase& one = cases.emplace_back();
    words >> one.number;
    one.fields.resize(fields);
    for (std::string& field : one.fields) words >> field;
    std::string verdict;
    words >> verdict >> std::ws;
    std::getline(words, one.why);
    one.valid = verdict == "valid";
    if ((!one.valid && verdict != "invalid") || one.why.empty()) std::abort();
  }
  return cases;
}

/// a*n: a, n times; a+b: a, then b; -: nothing.
inline Bytes expanded(std::string_view text) {
  Bytes bytes;
  if (text == "-") return bytes;
  std::istringstream pieces{std::string(text)};
  for (std::string piece; std::getline(pieces, piece, '+');) {
    const auto star = piece.find('*');
    const Bytes once = hex(std::string_view(piece).substr(0, star));
    const int times = star == std::string::npos ? 1 : std::stoi(piece.substr(star + 1));
    for (int i = 0; i < times; ++i) bytes.insert(bytes.end(), once.begin(), once.end());
  }
  return bytes;
}

}  // namespace serried::crypt
