#include "base/numa.h"

#include <cstdlib>
#include <cstring>
#include <linux/mempolicy.h>
#include <memory>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/restricted.h"

namespace serried::base {
namespace {

/// Fresh pages that nothing has touched.
class Pages {
 public:
  explicit Pages(std::size_t count) : bytes_(count * page_bytes()) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory_, MAP_FAILED);
  }
  ~Pages() { munmap(memory_, bytes_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  [[nodiscard]] std::span<std::byte> all() const { return {static_cast<std::byte*>(memory_), bytes_}; }
  void touch(std::size_t first, std::size_t count) const {
    std::memset(all().data() + first * page_bytes(), 1, count * page_bytes());
  }

 private:
  std::size_t bytes_;
  void* memory_;
};

/// The node that this thread's memory comes from: of one page, by trying all.
int node_of(const Pages& pages) {
  for (int node = 0; node < 64; ++node)
    if (const auto counted = count_pages(pages.all().first(page_bytes()), node); counted && counted->there == 1)
      return node;
  return any_node;
}

int policy_of_thread() {
  int mode = -1;
  EXPECT_EQ(syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, nullptr, 0UL), 0);
  return mode;
}

/// Whether this system lets a thread ask for a node at all; containers forbid it.
bool may_ask() {
  int mode = -1;
  return syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, nullptr, 0UL) == 0 &&
         syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0UL) == 0;
}

/// The policy of the range that an address is in.
int policy_of(const void* address) {
  int mode = -1;
  EXPECT_EQ(syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, address, 2UL /* MPOL_F_ADDR */), 0);
  return mode;
}

TEST(WholePages, AreThoseThatLieInARangeToTheLastByte) {
  const Pages pages(4);
  const std::size_t page = page_bytes();
  const auto all = pages.all();
  EXPECT_EQ(whole_pages(all).size(), 4 * page);
  EXPECT_EQ(whole_pages(all.subspan(1)).data(), all.data() + page);
  EXPECT_EQ(whole_pages(all.subspan(1)).size(), 3 * page);
  EXPECT_EQ(whole_pages(all.first(4 * page - 1)).size(), 3 * page);
  EXPECT_TRUE(whole_pages(all.subspan(1, page)).empty());
  EXPECT_TRUE(whole_pages(all.subspan(1, 5)).empty());
  EXPECT_TRUE(whole_pages(std::span<std::byte>{}).empty());
}

TEST(CountPages, CountsWhatWasTouchedByWhereItIs) {
  const Pages pages(1'200);  // more than one question to the kernel
  const auto none = count_pages(pages.all(), 0);
  if (!none) GTEST_SKIP() << "move_pages is forbidden here";
  EXPECT_EQ(none->there + none->elsewhere, 0U) << "no page has memory yet";
  pages.touch(0, 1);
  pages.touch(600, 500);
  const int node = node_of(pages);
  ASSERT_NE(node, any_node);
  const auto there = count_pages(pages.all(), node), elsewhere = count_pages(pages.all(), node + 1);
  ASSERT_TRUE(there && elsewhere);
  EXPECT_EQ(there->there, 501U);
  EXPECT_EQ(there->elsewhere, 0U);
  EXPECT_EQ(elsewhere->there, 0U);
  EXPECT_EQ(elsewhere->elsewhere, 501U);
  EXPECT_EQ(count_pages(pages.all().subspan(600 * page_bytes() + 1), node)->there, 499U) << "whole pages only";
}

TEST(PreferredNode, IsThePolicyOfItsThreadAndEndsWithIt) {
  if (!may_ask()) GTEST_SKIP() << "no policy can be set here";
  ASSERT_EQ(policy_of_thread(), MPOL_DEFAULT);
  {
    const PreferredNode node{0};
    EXPECT_EQ(policy_of_thread(), MPOL_PREFERRED);
    {
      const PreferredNode none{any_node};
      EXPECT_EQ(policy_of_thread(), MPOL_PREFERRED) << "no call";
    }
    int other = -1;
    std::thread{[&other] { other = policy_of_thread(); }}.join();
    EXPECT_EQ(other, MPOL_PREFERRED) << "a thread starts with the policy of the one that made it";
    EXPECT_EQ(policy_of_thread(), MPOL_PREFERRED);
  }
  EXPECT_EQ(policy_of_thread(), MPOL_DEFAULT);
  EXPECT_EQ(refused_policy(), "");
}

TEST(PreferredNode, GivesBackWhatThePolicyWas) {
  if (!may_ask()) GTEST_SKIP() << "no policy can be set here";
  unsigned long mask = 1;
  ASSERT_EQ(syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &mask, 65UL), 0);
  { const PreferredNode node{0}; }
  EXPECT_EQ(policy_of_thread(), MPOL_INTERLEAVE);
  ASSERT_EQ(syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0UL), 0);
}

TEST(PreferNode, IsThePolicyOfTheWholePagesOfARange) {
  if (!may_ask()) GTEST_SKIP() << "no policy can be set here";
  const Pages pages(4);
  const std::size_t page = page_bytes();
  prefer_node(pages.all(), any_node);
  EXPECT_EQ(policy_of(pages.all().data()), MPOL_DEFAULT);
  prefer_node(pages.all().subspan(1, 3 * page), 0);
  EXPECT_EQ(policy_of(pages.all().data()), MPOL_DEFAULT);
  EXPECT_EQ(policy_of(pages.all().data() + page), MPOL_PREFERRED);
  EXPECT_EQ(policy_of(pages.all().data() + 2 * page), MPOL_PREFERRED);
  EXPECT_EQ(policy_of(pages.all().data() + 3 * page), MPOL_DEFAULT);
  const int nodes[] = {0};
  spread_over(pages.all(), {});
  EXPECT_EQ(policy_of(pages.all().data()), MPOL_DEFAULT);
  spread_over(pages.all(), nodes);
  EXPECT_EQ(policy_of(pages.all().data()), MPOL_INTERLEAVE);
  EXPECT_EQ(refused_policy(), "");
}

/// Forbid the calls, as containers do. Expect memory as before, a sentence, and no count.
TEST(Numa, RefusedCallsAreASentenceAndNoError) {
  bool skipped = false;
  const auto forbidden = [] { return forbid({{SYS_set_mempolicy}, {SYS_mbind}, {SYS_move_pages}}); };
  const std::string wrong = in_child(
      forbidden,
      [] {
        errno = 0;
        const Pages pages(2);
        prefer_node(pages.all(), 0);
        const PreferredNode node{0};
        pages.touch(0, 2);
        std::string found;
        if (refused_policy() != "mbind: Operation not permitted") found += "refused: " + refused_policy() + "; ";
        if (count_pages(pages.all(), 0)) found += "pages are counted; ";
        if (errno != 0) found += "errno " + std::to_string(errno);
        return found;
      },
      skipped);
  if (skipped) GTEST_SKIP() << "no call can be forbidden here";
  EXPECT_EQ(wrong, "");
}

/// A node that is not there is refused as well.
TEST(Numa, ANodeThatIsNotThereIsASentence) {
  bool skipped = false;
  const std::string wrong =
      in_child([] { return true; },
               [] {
                 const PreferredNode node{1'000};
                 const std::string refused = refused_policy();
                 const PreferredNode beyond{100'000};
                 return refused.starts_with("set_mempolicy: ") ? std::string{} : "refused: \"" + refused + "\"";
               },
               skipped);
  EXPECT_EQ(wrong, "");
}

}  // namespace
}  // namespace serried::base
