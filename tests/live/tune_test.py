"""scripts/tune on a machine of files: it shows, does and takes back what the server's own check asks for. Nothing of this
machine is changed."""

import os
import subprocess
import tempfile
import unittest

import programs

TUNE = os.path.join(programs.ROOT, "scripts/tune")
NIC = "/sys/bus/pci/devices/0000:18:00.0"


class MadeUp(unittest.TestCase):
    """Two nodes, a NIC that the kernel has, Debian's dpdk package; no hugepages, no IOMMU."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for node in (0, 1):
            own = f"/sys/devices/system/node/node{node}"
            self.write(own + "/cpulist", f"{4 * node}-{4 * node + 3}")
            self.write(own + "/meminfo", f"Node {node} MemTotal: 8388608 kB")
            self.write(own + "/hugepages/hugepages-2048kB/nr_hugepages", "0")
            self.write(own + "/hugepages/hugepages-2048kB/free_hugepages", "0")
        self.write("/sys/devices/system/cpu/online", "0-7")
        self.write("/proc/self/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-7")
        self.write("/proc/sys/kernel/osrelease", "6.1.0")
        self.write("/proc/sys/kernel/numa_balancing", "1")
        self.write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]")
        self.write("/etc/dpdk/dpdk.conf", "# Debian's\nNR_2M_PAGES=\"8 8\"\nNR_1G_PAGES=0")
        self.write("/etc/dpdk/interfaces", "# <bus> <id> <driver>")
        for name, text in (("class", "0x020000"), ("vendor", "0x8086"), ("device", "0x1592"), ("numa_node", "1"),
                           ("driver_override", "(null)"), ("iommu_group", "")):
            self.write(f"{NIC}/{name}", text)
        os.remove(self.root + NIC + "/iommu_group")
        self.write("/sys/bus/pci/drivers/ice/unbind", "")
        self.write("/sys/bus/pci/drivers_probe", "")
        os.symlink("../../drivers/ice", self.root + NIC + "/driver")

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def read(self, path):
        with open(self.root + path, encoding="utf-8") as file:
            return file.read()

    def files(self):
        """Every file with its text."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                found[path[len(self.root):]] = os.readlink(path) if os.path.islink(path) else self.read(path[len(self.root):])
        return found

    def tune(self, *words, profile="ice,pci=0000:18:00.0"):
        server = ["--", "--profile", profile, "--address", "10.0.0.1", "--token-key", "/none"] if profile else []
        done = subprocess.run([TUNE, "--root", self.root, "--build", programs.build, *words, *server],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_shows_and_changes_nothing(self):
        before = self.files()
        code, said = self.tune()
        self.assertEqual(code, 1, said)
        for line in ("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages: 0 -> ",
                     '/etc/dpdk/dpdk.conf: -NR_2M_PAGES="8 8" +NR_2M_PAGES="',
                     "0000:18:00.0: driver ice -> vfio-pci",
                     "/etc/dpdk/interfaces: +pci 0000:18:00.0 vfio-pci",
                     "by hand: kernel command line: intel_iommu=on iommu=pt",
                     "at its boot: modprobe vfio-pci (the machine is not running)",
                     "/etc/modules-load.d/serried.conf: +vfio-pci",
                     "/proc/sys/kernel/numa_balancing: 1 -> 0",
                     "/sys/kernel/mm/transparent_hugepage/enabled: never -> madvise"):
            self.assertIn(line, said)
        self.assertEqual(self.files(), before)

    def test_applies_and_takes_back(self):
        before = self.files()
        code, said = self.tune("--apply")
        self.assertEqual(code, 1, "the kernel command line is left, and the NIC: " + said)
        self.assertIn("not done: it takes the NIC from the kernel, give --bind", said)
        self.assertEqual(self.read("/proc/sys/kernel/numa_balancing"), "0\n")
        pages = int(self.read("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"))
        self.assertGreater(pages, 20)
        small = int(self.read("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"))
        self.assertLess(small, pages, "the mbufs are wanted where the NIC is")
        self.assertEqual(self.read("/etc/dpdk/dpdk.conf"), f'# Debian\'s\nNR_2M_PAGES="{small} {pages}"\nNR_1G_PAGES=0\n')
        self.assertEqual(self.read("/etc/dpdk/interfaces"), "# <bus> <id> <driver>\npci 0000:18:00.0 vfio-pci\n")
        self.assertIn("vfio-pci\n", self.read("/etc/modules-load.d/serried.conf"))
        self.assertIn("kernel.numa_balancing = 0\n", self.read("/etc/sysctl.d/60-serried.conf"))
        self.assertEqual(self.read(NIC + "/driver_override"), "(null)\n")
        self.assertFalse(os.path.exists(self.root + "/boot"), "the boot loader is a person's")

        code, said = self.tune("--undo", profile=None)
        self.assertEqual(code, 0, said)
        # The kernel's choice of transparent hugepages is written as it is set, not as it is shown.
        after = self.files()
        self.assertEqual(after.pop("/sys/kernel/mm/transparent_hugepage/enabled"), "never\n")
        before.pop("/sys/kernel/mm/transparent_hugepage/enabled")
        self.assertEqual(after, before)
        code, said = self.tune("--undo", profile=None)
        self.assertEqual((code, said), (0, "there is nothing to take back\n"))

    def test_what_was_changed_since_stays(self):
        self.tune("--apply")
        self.write("/proc/sys/kernel/numa_balancing", "2")
        self.write("/etc/dpdk/dpdk.conf", 'NR_2M_PAGES="99 99"')
        code, said = self.tune("--undo", profile=None)
        self.assertEqual(code, 0, said)
        self.assertIn("numa_balancing is 2 by now, and not 0 as it was set: left as it is", said)
        self.assertIn("/etc/dpdk/dpdk.conf has no line NR_2M_PAGES", said)
        self.assertEqual(self.read("/proc/sys/kernel/numa_balancing"), "2\n")
        self.assertEqual(self.read("/etc/dpdk/dpdk.conf"), 'NR_2M_PAGES="99 99"\n')
        self.assertEqual(self.read("/etc/dpdk/interfaces"), "# <bus> <id> <driver>\n")

    def test_lines_beside_ours_stay(self):
        self.tune("--apply", "--only", "numa balancing")
        path = "/etc/sysctl.d/60-serried.conf"
        self.write(path, self.read(path) + "vm.swappiness = 1")
        self.tune("--undo", profile=None)
        self.assertIn("vm.swappiness = 1\n", self.read(path))
        self.assertNotIn("numa_balancing", self.read(path))

    def test_only_what_is_named(self):
        before = self.files()
        code, said = self.tune("--apply", "--only", "numa balancing")
        self.assertEqual(code, 0, said)
        changed = {path for path, text in self.files().items() if before.get(path) != text}
        self.assertEqual(changed, {"/proc/sys/kernel/numa_balancing", "/etc/sysctl.d/60-serried.conf",
                                   "/var/lib/serried/tune.json"})
        code, said = self.tune("--only", "weather")
        self.assertEqual(code, 2)
        self.assertIn("no item weather; it has ", said)

    def test_binds_when_told(self):
        code, said = self.tune("--apply", "--bind", "--only", "binding")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.read(NIC + "/driver_override"), "vfio-pci\n")
        self.assertEqual(self.read("/sys/bus/pci/drivers/ice/unbind"), "0000:18:00.0\n")
        self.assertEqual(self.read("/sys/bus/pci/drivers_probe"), "0000:18:00.0\n")
        code, said = self.tune("--undo", profile=None)
        self.assertEqual(code, 0, said)
        self.assertEqual(self.read(NIC + "/driver_override"), "\n")

    def test_never_binds_what_carries_the_machines_traffic(self):
        os.makedirs(self.root + NIC + "/net/eth0")
        self.write("/sys/class/net/eth0/operstate", "up")
        self.write("/proc/net/route", "Iface\tDestination\neth0\t00000000")
        code, said = self.tune("--apply", "--bind", "--only", "binding")
        self.assertEqual(code, 1, said)
        self.assertIn("eth0 carries traffic of this machine", said)
        self.assertEqual(self.read(NIC + "/driver_override"), "(null)\n")

    def test_a_broken_state_is_not_guessed_at(self):
        self.write("/var/lib/serried/tune.json", "[{")
        code, said = self.tune("--undo", profile=None)
        self.assertEqual(code, 1)
        self.assertIn("tune.json is no JSON", said)

    def test_bad_options(self):
        for words, said in ((("--apply", "--undo"), "exclude one another"), (("--only",), "wants a value"),
                            (("--fast",), "unknown option '--fast'"), (("--root", "/none"), "there is no folder /none")):
            with self.subTest(words=words):
                done = subprocess.run([TUNE, *words], capture_output=True, text=True)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(said, done.stderr)
        code, said = self.tune(profile="weather")
        self.assertEqual(code, 2)
        self.assertIn("--profile weather is not known; there are ", said)
        done = subprocess.run([TUNE, "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("--apply", done.stdout)
