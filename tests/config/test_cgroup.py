"""Limits of the groups above a process's own hold for it: systemd's slices, Kubernetes' pods."""

import pytest

from config.cgroup import cpu_quota, memory_held_bytes, memory_limit_bytes

MB = 1 << 20


@pytest.fixture
def groups(tmp_path):
    """Make files of groups; returns the hierarchy's root and what /proc/self/cgroup would say."""

    def make(own, **files):
        (tmp_path / "own").write_text(own)
        for path, content in files.items():
            file = tmp_path / "root" / path.replace("__", "/").replace("-", "_")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return tmp_path / "root", tmp_path / "own"

    return make


def test_a_units_limits_are_those_of_its_own_group(groups):
    unit = "system.slice__weir.service"
    found = groups(
        "0::/system.slice/weir.service\n",
        **{f"{unit}__memory.max": f"{512 * MB}\n", f"{unit}__cpu.max": "150000 100000\n"},
        **{"system.slice__memory.max": "max\n", "system.slice__cpu.max": "max 100000\n"},
        **{f"{unit}__memory.stat": f"anon {7 * MB}\nfile 1\nshmem {MB}\n"},
    )

    assert memory_limit_bytes(*found) == 512 * MB
    assert memory_held_bytes(*found) == 8 * MB
    assert cpu_quota(*found) == 1.5


def test_the_tightest_of_all_above_counts(groups):
    found = groups(
        "0::/a/b/c\n",
        **{"a__memory.max": "1000000", "a__b__memory.max": "2000000", "a__b__c__memory.max": "max"},
        **{"a__cpu.max": "400000 100000", "a__b__cpu.max": "50000 100000"},
        **{"a__memory.stat": "anon 11", "a__b__memory.stat": "anon 22"},
    )

    assert memory_limit_bytes(*found) == 1_000_000
    assert memory_held_bytes(*found) == 11
    assert cpu_quota(*found) == 0.5


def test_the_first_versions_controllers_have_groups_of_their_own(groups):
    found = groups(
        "12:cpu,cpuacct:/docker/1f\n4:memory:/docker/2e\n0::/system.slice\n",
        **{"cpu__docker__1f__cpu.cfs-quota-us": "100000"},
        **{"cpu__docker__1f__cpu.cfs-period-us": "100000"},
        **{"memory__docker__2e__memory.limit-in-bytes": str(64 * MB)},
        **{"memory__docker__2e__memory.stat": "total_rss 5\ntotal_shmem 6\nrss 1"},
    )

    assert cpu_quota(*found) == 1
    assert memory_limit_bytes(*found) == 64 * MB
    assert memory_held_bytes(*found) == 11


@pytest.mark.parametrize("own", ["0::/\n", "0::/../../elsewhere\n", "0::/kubepods/pod7\n", ""])
def test_in_a_container_its_group_is_the_root_of_what_it_sees(groups, own):
    found = groups(own, **{"memory.max": str(256 * MB), "cpu.max": "200000 100000"})

    assert memory_limit_bytes(*found) == 256 * MB
    assert cpu_quota(*found) == 2


def test_without_groups_there_are_no_limits(tmp_path):
    nowhere = tmp_path / "none", tmp_path / "none"

    assert memory_limit_bytes(*nowhere) is None
    assert memory_held_bytes(*nowhere) is None
    assert cpu_quota(*nowhere) is None
