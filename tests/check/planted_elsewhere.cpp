/// A setup function that planted.cpp calls from another object. See there.

#include <string>

#include "base/setup.h"

namespace serried::planted {

std::string* kept = nullptr;

void set_up_elsewhere(int size);

SERRIED_SETUP void set_up_elsewhere(int size) { kept = new std::string(static_cast<std::size_t>(size), 'a'); }

}  // namespace serried::planted
