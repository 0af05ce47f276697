"""Cluster profiles: what is read, what is refused with file, line and field; classes, scripts."""

from __future__ import annotations

import json

import pytest
from command_line_for_tests import mgscreen

from mgscreen.core.errors import InputError
from mgscreen.database.jobs import Job
from mgscreen.execution.cluster.classes import class_of
from mgscreen.execution.cluster.faults import Demand
from mgscreen.execution.cluster.profile import (
    load_profile,
    seconds_of,
    shipped_profiles,
    walltime_of,
)
from mgscreen.execution.cluster.script import batch_script
from mgscreen.execution.cluster.sizes import sized, token_of

GOOD = """
name = "mine"
scheduler = "slurm"
[classes.molecule]
partition = "standard"
walltime = "02:00:00"
max_walltime = "1-00:00:00"
cores = 16
memory_gb = 64
max_memory_gb = 256
cores_per_task = 4
memory_per_task_gb = 8.0
"""


def profile(tmp_path, text=GOOD):
    path = tmp_path / "p.toml"
    path.write_text(text)
    return load_profile(path).profile


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_shipped_profiles_are_valid_and_give_a_script(name, tmp_path):
    found = load_profile(name).profile
    assert found.slots > 0
    for task_class, resources in found.classes.items():
        text = batch_script(found, task_class, tmp_path)
        assert "mgscreen.execution.cluster.block" in text
        if found.scheduler != "local":
            assert str(resources.memory_gb) in text
            assert (
                resources.partition is None
                or found.scheduler == "pbs"
                or (resources.partition in text)
            )
        assert not list(tmp_path.iterdir()), "nothing is left of showing it"


def test_there_is_one_of_each_kind():
    found = {load_profile(name).profile.scheduler for name in shipped_profiles()}
    assert found == {"slurm", "pbs", "lsf", "local"}


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "words"),
    [
        ('scheduler = "slurm"', 'scheduler = "sge"', 3, "scheduler", "'slurm', 'pbs', 'lsf'"),
        ("cores = 16", "core = 16", 8, "classes.molecule.core", "unknown key"),
        ("cores = 16", 'cores = "16"', 8, "classes.molecule.cores", "whole number"),
        ('walltime = "02:00:00"', 'walltime = "2h"', 6, "classes.molecule.walltime", "HH:MM:SS"),
        ("cores_per_task = 4", "cores_per_task = 40", 11, "classes.molecule.cores_per_task", "40"),
        (
            "memory_per_task_gb = 8.0",
            "memory_per_task_gb = 80.0",
            12,
            "memory_per_task_gb",
            "80 GB",
        ),
        ("[classes.molecule]", "[classes.molecules]", 4, "classes.molecules", ""),
        ('"standard"', '"a\\n#SBATCH --uid=0"', 5, "classes.molecule.partition", ""),
        ('name = "mine"', 'name = "mine"\nscratch = "relative"', 3, "scratch", "from the root"),
        ('name = "mine"', 'name = "mine"\nsetup = ["a\\nb"]', 3, "setup", ""),
        ("cores = 16", 'cores = 16\noptions = ["--x"]', 9, "options[0]", "#SBATCH"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_field(tmp_path, old, new, line, field, words):
    with pytest.raises(InputError) as found:
        profile(tmp_path, GOOD.replace(old, new))
    text = str(found.value)
    assert text.startswith(f"{tmp_path}/p.toml:{line}: ")
    assert field in text
    assert words in text
    assert "\n" not in text


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(InputError, match="slurm"):
        load_profile("slrum")


def test_walltimes():
    assert seconds_of("1-00:30:00") == 88_200
    assert walltime_of(seconds_of("36:00:01")) == "36:00:01"
    assert walltime_of(0.2) == "00:00:01"


def test_slots_and_growth(tmp_path):
    found = profile(tmp_path)
    base = found.classes["molecule"]
    assert (base.tasks_per_node, base.slots) == (4, 4)
    name, grown = sized("molecule", found.classes, Demand(memory=4.0))
    assert name != "molecule"
    assert (grown.memory_per_task_gb, grown.memory_gb, grown.tasks_per_node) == (32.0, 64, 2)
    _, most = sized("molecule", found.classes, Demand(memory=100.0, walltime=100.0))
    assert (most.memory_gb, most.memory_per_task_gb) == (256, 256.0)
    assert most.walltime_s == base.longest_s == 86_400
    assert sized("molecule", found.classes, Demand(losses=3)) == ("molecule", base)


def job(level):
    return Job(uuid="u", name="n", level=level)


def test_classes_follow_engine_and_device():
    known = ("molecule", "potential", "plane-wave", "gpu")
    assert class_of(job("pyscf:b3lyp/6-31g(d)"), {}, known) == "molecule"
    assert class_of(job("mlip:chgnet"), {}, known) == "potential"
    assert class_of(job("gpaw:pbe"), {}, known) == "plane-wave"
    assert class_of(job(""), {}, known) == "potential"
    assert class_of(job(""), {}, ("molecule",)) == "molecule"
    level = {"engine": "mlip", "method": "chgnet", "settings": {"device": "cuda"}}
    payload = {"function_args": [], "function_kwargs": {"level": level}}
    assert class_of(job("mlip:chgnet"), payload, known) == "gpu"
    with pytest.raises(InputError, match="no class 'gpu'"):
        class_of(job("mlip:chgnet"), payload, known[:3])
    with pytest.raises(InputError, match="plane-wave"):
        class_of(job("gpaw:pbe"), {}, ("molecule",))


ON_GPU = """
name = "gpu"
[candidates]
inline = [{ name = "water", smiles = "O" }]
[molecules]
conformers = 1
properties = ["orbitals", "redox-vertical"]
[host]
salts = []
[levels.settings.pyscf]
device = "gpu"
"""


def test_jobs_of_a_campaign_on_a_gpu_go_to_the_class_gpu(tmp_path):
    from mgscreen.campaign.loader import load_campaign
    from mgscreen.cli.planning import build_flow
    from mgscreen.execution.flatten import LABELS, flatten

    path = tmp_path / "gpu.toml"
    path.write_text(ON_GPU)
    # a plan needs no gpu4pyscf: the login node may have none
    _, flow = build_flow(load_campaign(path))
    found = {}
    for row in flatten(flow):
        labels = {k: row[k] for k in LABELS if k in row}
        one = Job(uuid=row["uuid"], name=row["name"], **labels)
        name = class_of(
            one, json.loads(row["payload"])["job"], load_profile("slurm").profile.classes
        )
        found.setdefault(one.level.partition(":")[0], set()).add(name)
    assert found.pop("pyscf") == {"gpu"}
    assert found.pop("xtb") == {"molecule"}
    assert set().union(*found.values()) <= {"potential"}


def test_the_queue_is_asked_for_gpus(tmp_path):
    script = batch_script(load_profile("slurm").profile, "gpu", tmp_path)
    assert "#SBATCH --gpus-per-node=2" in script
    assert "#SBATCH --partition=gpu" in script
    assert "--available-accelerators 0 1" in script


def test_token_depends_on_database_and_campaign():
    assert token_of("a.db", "one") == token_of("a.db", "one")
    assert len({token_of("a.db", "one"), token_of("b.db", "one"), token_of("a.db", "two")}) == 3


def test_cluster_check_of_this_machine_runs_a_task(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(
        'name = "here"\nscheduler = "local"\n[heartbeat]\nperiod_s = 1\nthreshold_s = 6\n'
        "poll_s = 1.0\n[classes.molecule]\ncores = 1\nmemory_gb = 2\nmemory_per_task_gb = 1.0\n"
    )
    done = mgscreen(
        "cluster", "check", str(path), "--submit", "--folder", str(tmp_path), "--format", "json"
    )
    rows = json.loads(done.stdout)
    assert [row["ok"] for row in rows] == [True, True, True]
    assert "a task through the queue" in rows[-1]["what"]


def test_cluster_check_says_that_there_is_no_such_queue():
    done = mgscreen("cluster", "check", "lsf", "--format", "json", code=1)
    assert "there is no command 'lsid' here" in done.stdout


def test_dry_run_shows_plan_classes_and_script(tmp_path):
    done = mgscreen(
        "submit", "laptop", "--cluster", "slurm", "--dry-run", "--out", str(tmp_path / "r")
    )
    assert "molecule: 87 jobs, about" in done.stdout
    assert "potential: nothing to do" not in done.stdout
    assert "#SBATCH --partition=standard" in done.stdout
    assert "gpu: nothing to do" in done.stdout
    assert not (tmp_path / "r").exists()
