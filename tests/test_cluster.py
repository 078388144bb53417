"""The launcher of clusters: what it starts it ends, and what goes wrong is told."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from helpers import cluster

TELL = "import os\nprint(os.environ['TF_CONFIG'], flush=True)\n"
STAY = "import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(600)\n"


def program(folder, text):
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(pid)


def pids(run, names) -> list[int]:
    for name in names:
        run.wait_for(name, "pid")
    return [int(run.lines(name)[0].split()[1]) for name in names]


def test_each_process_learns_who_the_others_are_and_who_it_is(tmp_path):
    with cluster.start(program(tmp_path, TELL), worker=2, ps=1) as run:
        assert run.wait() == {"worker 0": 0, "worker 1": 0, "ps 0": 0}
        told = [json.loads(run.lines(name)[0]) for name in ("worker 0", "worker 1", "ps 0")]
    assert [one["task"] for one in told] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
        {"type": "ps", "index": 0},
    ]
    assert told[0]["cluster"] == told[1]["cluster"] == told[2]["cluster"]
    addresses = [a for job in told[0]["cluster"].values() for a in job]
    assert len(set(addresses)) == 3
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_a_program_finds_its_arguments_and_the_modules_beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("WORD = 'found'\n")
    text = "import sys, beside\nprint(sys.argv[1:], beside.WORD)\n"
    with cluster.start(program(tmp_path, text), "a", "b", worker=1) as run:
        run.wait()
        assert run.lines("worker 0") == ["['a', 'b'] found"]


def test_on_a_machine_of_google_cloud_a_signal_is_still_heard(tmp_path, monkeypatch):
    monkeypatch.setenv("GCE_METADATA_IP", "metadata.google.internal")
    text = "import os\nprint(os.environ['GCE_METADATA_IP'])\n"
    with cluster.start(program(tmp_path, text), worker=1) as run:
        run.wait()
        assert run.lines("worker 0") == ["127.0.0.1:1"]


def test_two_clusters_at_once_do_not_meet(tmp_path):
    path = program(tmp_path, TELL)
    with cluster.start(path, worker=20) as one, cluster.start(path, worker=20) as other:
        seen = []
        for run in one, other:
            run.wait()
            seen += json.loads(run.lines("worker 0")[0])["cluster"]["worker"]
    assert len(set(seen)) == 40


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the port is free again at once")
def test_a_port_of_the_cluster_is_kept_from_others_and_open_to_its_server(tmp_path):
    with cluster.start(program(tmp_path, TELL), worker=1) as run:
        run.wait()
        address = json.loads(run.lines("worker 0")[0])["cluster"]["worker"][0]
        where = "127.0.0.1", int(address.partition(":")[2])
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(where)
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(where)
            server.listen()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_a_signal_reaches_the_one_that_is_named_and_wait_tells_it(tmp_path):
    text = "import time\nprint('here', flush=True)\ntime.sleep(1.5)\n"
    with cluster.start(program(tmp_path, text), worker=2) as run:
        run.wait_for("worker 1", "here")
        run.send("worker 1", signal.SIGKILL)
        assert run.wait() == {"worker 0": 0, "worker 1": -signal.SIGKILL}


@pytest.mark.parametrize("error", [ValueError("of the block"), KeyboardInterrupt()])
def test_no_process_outlives_a_block_that_fails_or_is_interrupted(error, tmp_path):
    with (
        pytest.raises(type(error)) as raised,
        cluster.start(program(tmp_path, STAY), worker=2) as run,
    ):
        found = pids(run, ["worker 0", "worker 1"])
        raise error
    assert raised.value is error
    assert all(gone(pid) for pid in found)


def test_no_process_outlives_a_kernel_that_is_killed(tmp_path):
    path = program(tmp_path, STAY)
    text = (
        "import time\nfrom helpers import cluster\n"
        f"with cluster.start({str(path)!r}, worker=1) as run:\n"
        "    run.wait_for('worker 0', 'pid')\n"
        "    print(run.lines('worker 0')[0].split()[1], flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as kernel:
        pid = int(kernel.stdout.readline())
        assert alive(pid)
        kernel.kill()
    assert gone(pid)


def test_a_process_that_hangs_is_ended_in_time_and_its_words_are_told(tmp_path):
    with (
        pytest.raises(RuntimeError, match="worker 0 was still running after 1 seconds") as raised,
        cluster.start(program(tmp_path, STAY), seconds=1, worker=1) as run,
    ):
        run.wait()
    assert "pid" in str(raised.value)
    assert gone(int(run.lines("worker 0")[0].split()[1]))


def test_a_process_that_fails_before_its_line_is_not_waited_for(tmp_path):
    path = program(tmp_path, "print('so far')\nraise SystemExit('no disk left')\n")
    begun = time.monotonic()
    with (
        pytest.raises(RuntimeError, match="worker 0 ended with 1 before it printed 'step'") as e,
        cluster.start(path, seconds=60, worker=1) as run,
    ):
        run.wait_for("worker 0", "step")
    assert "so far" in str(e.value) and "no disk left" in str(e.value)
    assert time.monotonic() - begun < 30


def test_what_the_processes_said_is_told_where_the_block_fails(tmp_path):
    with (
        pytest.raises(AssertionError) as raised,
        cluster.start(program(tmp_path, "print('the cause')\n"), worker=1) as run,
    ):
        run.wait()
        raise AssertionError("not equal")
    assert "the cause" in "".join(raised.value.__notes__)


def test_nothing_of_the_processes_is_printed_where_all_is_well(tmp_path, capfd):
    path = program(tmp_path, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n")
    with cluster.start(path, worker=1) as run:
        run.wait()
        assert sorted(run.lines("worker 0")) == ["err", "out"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("jobs", [{}, {"worker": 0}])
def test_a_cluster_of_nobody_is_refused(jobs, tmp_path):
    with (
        pytest.raises(ValueError, match="expected such as worker=2"),
        cluster.start(program(tmp_path, TELL), **jobs),
    ):
        pass


def test_a_program_that_is_not_there_is_refused():
    with (
        pytest.raises(FileNotFoundError, match="nowhere"),
        cluster.start("nowhere.py", worker=1),
    ):
        pass


def test_a_wrong_name_says_which_there_are(tmp_path):
    with (
        pytest.raises(ValueError, match="there is no 'worker 7'; expected one of"),
        cluster.start(program(tmp_path, TELL), worker=1) as run,
    ):
        run.wait_for("worker 7", "x")


def greet(name):
    print(word(), name)


def word():
    return "hello"


def test_functions_of_a_notebook_become_a_program(tmp_path):
    path = tmp_path / "program.py"
    cluster.write(path, greet, word)
    text = path.read_text()
    compile(text, str(path), "exec")
    assert text.startswith("from helpers import session\n\nsession.attach()\n")
    functions = text[text.index("def word") :]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{functions}", "you"], capture_output=True, text=True
    )
    assert run.stdout == "hello you\n"
