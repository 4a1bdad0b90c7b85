#include "crypt/private_file.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "crypt/keys.h"

namespace serried::crypt {
namespace {

constexpr FileKind secret_kind{.name = "spell", .bytes_max = 100};
constexpr FileKind public_kind{.name = "song", .bytes_max = 100, .secret = false};

class PrivateFileTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(initialise());
    std::string name = (std::filesystem::temp_directory_path() / "serried-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::string path(const char* name) const { return (folder / name).string(); }
  std::string written(const char* name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path(name)) << text;
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }
  [[nodiscard]] mode_t mode_of(const char* name) const {
    struct stat status {};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  template <class T>
  static std::string fault(const Result<T>& result) {
    return result ? "" : result.error().message;
  }

  std::filesystem::path folder;
};

TEST_F(PrivateFileTest, LoadsWhatWasSavedAndKeepsSecretsPrivate) {
  const mode_t before = ::umask(0);
  const auto secret = save_text(secret_kind, path("spell"), "abra\n");
  const auto open = save_text(public_kind, path("song"), "la la\n");
  ::umask(before);
  ASSERT_TRUE(secret) << fault(secret);
  ASSERT_TRUE(open) << fault(open);
  EXPECT_EQ(mode_of("spell"), 0600u);
  EXPECT_EQ(mode_of("song"), 0644u);
  EXPECT_EQ(load_text(secret_kind, path("spell")).value(), "abra\n");
  EXPECT_EQ(load_text(public_kind, path("song")).value(), "la la\n");
}

TEST_F(PrivateFileTest, NeverOverwrites) {
  for (const FileKind& kind : {secret_kind, public_kind}) {
    const std::string file = path(std::string(kind.name).c_str());
    ASSERT_TRUE(save_text(kind, file, "first"));
    const auto again = save_text(kind, file, "second");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message,
              std::string(kind.name) + " file '" + file + "' exists already; remove it first, or choose another name");
    EXPECT_EQ(load_text(kind, file).value(), "first");
  }
}

TEST_F(PrivateFileTest, ReportsWhyItCannotSave) {
  const auto saved = save_text(secret_kind, path("no/such/folder"), "abra");
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().message,
            "cannot create spell file '" + path("no/such/folder") + "': No such file or directory");
}

TEST_F(PrivateFileTest, ReportsWhyItCannotLoad) {
  EXPECT_EQ(fault(load_text(secret_kind, path("absent"))),
            "cannot open spell file '" + path("absent") + "': No such file or directory");
  EXPECT_EQ(fault(load_text(secret_kind, folder.string())),
            "spell file '" + folder.string() + "' is not a regular file");
}

TEST_F(PrivateFileTest, TakesFilesUpToTheirLimit) {
  EXPECT_EQ(load_text(secret_kind, written("full", std::string(100, '#'))).value().size(), 100u);
  EXPECT_EQ(fault(load_text(secret_kind, written("large", std::string(101, '#')))),
            "spell file '" + path("large") + "' is too large to be one");
  EXPECT_EQ(load_text(secret_kind, written("empty", "")).value(), "");
}

TEST_F(PrivateFileTest, RefusesASecretReadableByOthers) {
  for (const mode_t open_to : {0604, 0602, 0601, 0620, 0644, 0666}) {
    const std::string file = written("open", "abra", open_to);
    EXPECT_NE(fault(load_text(secret_kind, file)).find("run: chmod 600 '" + file + "'"), std::string::npos) << open_to;
    EXPECT_EQ(fault(load_text(public_kind, file)), "") << open_to;
  }
  for (const mode_t fine : {0600, 0400, 0640, 0440})
    EXPECT_EQ(fault(load_text(secret_kind, written("open", "abra", fine))), "") << fine;
}

TEST_F(PrivateFileTest, AParsersFaultNamesTheFile) {
  const auto parse = [](std::string_view text) -> Result<std::size_t> {
    if (text == "bad") return Error{"it rhymes not"};
    return text.size();
  };
  EXPECT_EQ(load_parsed(secret_kind, written("good", "abra"), parse).value(), 4u);
  EXPECT_EQ(fault(load_parsed(secret_kind, written("bad", "bad"), parse)),
            "spell file '" + path("bad") + "': it rhymes not");
  EXPECT_NE(fault(load_parsed(secret_kind, path("absent"), parse)).find("cannot open"), std::string::npos);
}

TEST_F(PrivateFileTest, NothingIsSavedThroughALink) {
  ASSERT_EQ(::symlink(path("target").c_str(), path("link").c_str()), 0);
  EXPECT_NE(fault(save_text(secret_kind, path("link"), "abra")), "");
  EXPECT_NE(fault(open_private(path("link"))).find("it is a symbolic link"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path("target")));
}

TEST_F(PrivateFileTest, AnOlderFileIsEmptiedAndMadePrivate) {
  written("old", "abra cadabra", 0666);
  const auto descriptor = open_private(path("old"));
  ASSERT_TRUE(descriptor) << fault(descriptor);
  EXPECT_EQ(::write(descriptor.value(), "sim", 3), 3);
  ::close(descriptor.value());
  EXPECT_EQ(mode_of("old"), 0600U);
  EXPECT_EQ(load_text(secret_kind, path("old")).value(), "sim");
}

TEST_F(PrivateFileTest, ADeviceIsTakenAsItIs) {
  const auto descriptor = open_private("/dev/null");
  ASSERT_TRUE(descriptor) << fault(descriptor);
  ::close(descriptor.value());
}

TEST_F(PrivateFileTest, AFileOfAnotherUserOrWithASecondNameIsLeftAlone) {
  written("shared", "abra");
  std::filesystem::create_hard_link(path("shared"), path("second"));
  EXPECT_NE(fault(open_private(path("shared"))).find("another name"), std::string::npos);
  EXPECT_EQ(load_text(secret_kind, path("shared")).value(), "abra");
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  written("theirs", "abra", 0666);
  ASSERT_EQ(::chown(path("theirs").c_str(), 12'345, 12'345), 0);
  EXPECT_EQ(fault(open_private(path("theirs"))), "cannot write '" + path("theirs") + "': it belongs to another user");
  EXPECT_EQ(mode_of("theirs"), 0666U);
  EXPECT_EQ(load_text(public_kind, path("theirs")).value(), "abra");
}

TEST_F(PrivateFileTest, APipeThatHasNoOtherEndIsNotWaitedFor) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(fault(open_private(pipe)).find("no program reads"), std::string::npos);
  EXPECT_NE(fault(load_text(secret_kind, pipe)).find("not a regular file"), std::string::npos);
}

TEST_F(PrivateFileTest, WipesText) {
  std::string text = "abra";
  wipe_text(text);
  EXPECT_EQ(text, std::string(4, '\0'));
}

}  // namespace
}  // namespace serried::crypt
