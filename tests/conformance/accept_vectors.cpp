/// usage: accept_vectors FILE...      what `verify_wire_format.py produce` made; "-" is standard input
/// The engine decodes every vector and compares. Exit code 0: all are as expected. 1: some are not. 2: no vectors.

#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "conformance/answer.h"
#include "crypt/keys.h"

namespace {

using serried::conformance::Json;

struct Count {
  unsigned passed = 0, failed = 0;
};

void read(std::istream& lines, const std::string& name, Count& count) {
  unsigned number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    try {
      const Json vector = Json::parse(line), made = serried::conformance::answer(vector);
      if (made == vector.at("expect")) {
        ++count.passed;
        continue;
      }
      std::cout << name << ':' << number << ": " << vector.at("name") << ": expected " << vector.at("expect")
                << ", got " << made << '\n';
    } catch (const std::exception& fault) {
      std::cout << name << ':' << number << ": no vector: " << fault.what() << '\n';
    }
    ++count.failed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (!serried::crypt::initialise()) return 2;
  Count count;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    std::ifstream file;
    if (name != "-") {
      file.open(name);
      if (!file) {
        std::cerr << "accept_vectors: cannot read " << name << '\n';
        return 2;
      }
    }
    read(name == "-" ? std::cin : file, name, count);
  }
  std::cout << count.passed << " vectors passed, " << count.failed << " failed\n";
  if (count.failed != 0) return 1;
  return count.passed != 0 ? 0 : 2;
}
