/// Hot and setup functions for objects_test.py, which compiles this file and expects of the check of hot objects what
/// the comment behind a function says, of that line and no other.

#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/setup.h"

#define APART [[gnu::noinline]]

namespace serried::planted {

void set_up_elsewhere(int size);  // planted_elsewhere.cpp

class Owner {
 public:
  explicit Owner(int size);
  ~Owner();
  void grow(int value);
  void replace(int size);
  [[nodiscard]] int at(int index) const noexcept { return values_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] int sum() const noexcept;

 private:
  std::vector<int> values_;
  std::unique_ptr<int[]> spare_;
};

class Forgotten {
 public:
  ~Forgotten();

 private:
  std::vector<int> values_;
};

namespace {

APART int* helper_of_setup(int size) { return new int[static_cast<std::size_t>(size) + 1]; }
APART int* helper_of_hot(int size) { return new int[static_cast<std::size_t>(size) + 2]; }
APART int* helper_of_both(int size) { return new int[static_cast<std::size_t>(size) + 3]; }
APART int* helper_in_table(int size) { return new int[static_cast<std::size_t>(size) + 4]; }
APART int harmless(int size) { return size; }

using Make = int* (*)(int);
constexpr Make table[] = {helper_in_table, nullptr};

APART const char* name_of(int kind) {
  switch (kind) {
    case 0:
      return "none";
    case 1:
      return "one";
    case 2:
      return "two, or what is left of it";
    case 3:
      return "three";
    case 4:
      return "several";
    default:
      return "many";
  }
}

}  // namespace

// What setup functions may do, with what they alone reach.

SERRIED_SETUP Owner::Owner(int size) : values_(static_cast<std::size_t>(size)), spare_(helper_of_setup(size)) {
  values_.push_back(harmless(size));
}
SERRIED_SETUP Owner::~Owner() = default;
SERRIED_SETUP APART void Owner::replace(int size) { spare_.reset(helper_of_both(size)); }

SERRIED_SETUP std::vector<std::string> validate(int kind) {
  static const std::vector<int> kept(3);
  std::vector<std::string> faults;
  const std::function<std::string(int)> text = [&faults](int number) {
    return std::to_string(number) + std::to_string(faults.size());
  };
  const auto fault = [&](int number) { faults.push_back(name_of(kind) + text(number)); };
  for (int i = 0; i < kind; ++i) fault(i);
  if (faults.size() > kept.size()) throw kind;
  return faults;
}

// What hot functions may not.

int Owner::sum() const noexcept {
  int sum = 0;
  for (const int value : values_) sum += harmless(value);
  return sum + name_of(sum)[0];
}
void Owner::grow(int value) { values_.push_back(value); }  // finds: allocates frees throws
Forgotten::~Forgotten() = default;                         // finds: frees

int* allocate(int size) { return new int[static_cast<std::size_t>(size)]; }  // finds: allocates
void release(int* memory) { delete[] memory; }                               // finds: frees
int* by_helper(int size) { return helper_of_hot(size); }                     // finds: allocates
int* by_other_helper(int size) { return helper_of_both(size); }              // finds: allocates
int* by_table(int index, int size) { return table[index](size); }            // finds: allocates
void refuse(int reason) { throw reason; }                                    // finds: throws
void print(int value) { std::printf("%d\n", value); }                        // finds: prints
void lock(std::mutex& mutex) { mutex.lock(); }                               // finds: locks throws
void set_up_here(Owner& owner) { owner.replace(2); }                         // finds: calls
void set_up_there() { set_up_elsewhere(1); }                                 // finds: calls

// A copy of an inline function that setup functions do not reach is hot, whatever it is there for.
template <class T>
struct Instantiated {
  APART T* make() { return new T; }  // finds: allocates
};
template struct Instantiated<long>;

}  // namespace serried::planted
