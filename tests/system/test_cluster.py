"""`make cluster` as an operator uses it: killed and hung workers, a rolling restart under load,
Ctrl-C."""

import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from assistant import launch, paths
from tests.support.ports import free_port
from tests.support.processes import stopped
from tests.support.servers import EMERGENCY, NOTES, PATIENCE, Visitor, spoken
from tests.support.waiting import GENEROUS, until


class Running:
    """A cluster started by make, in a folder of its own."""

    def __init__(self, folder: Path, **more):
        self.folder, self.port = folder, free_port()
        outer = (
            "ARGS",
            "MAKEFLAGS",
            "MAKEOVERRIDES",
            "MFLAGS",
            "MAKELEVEL",
            "ASSISTANT_DATABASE_URL",
            "ASSISTANT_REDIS_URL",
        )
        self.env = {
            **{k: v for k, v in launch.environment().items() if k not in outer},
            "PORT": str(self.port),
            "ASSISTANT_CLUSTER": str(folder),
            "ASSISTANT_ACTION_TIMEOUT": PATIENCE,
            **more,
        }
        self.url = f"http://127.0.0.1:{self.port}/webhooks/web"
        self.log = folder.parent / f"{folder.name}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                ["make", "-C", str(paths.ROOT), "cluster"],
                env=self.env,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def end(self):
        """Ctrl-C, and wait."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(GENEROUS)

    def words(self):
        return self.log.read_text("utf-8")

    def until(self, done, what, seconds=240):
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            assert self.process.poll() is None, self.words()
            if done():
                return
            time.sleep(0.2)
        raise AssertionError(f"{what} did not happen:\n{self.words()}")

    def processes(self):
        return json.loads((self.folder / "status.json").read_text("utf-8"))["processes"]

    def worker(self, name):
        return self.processes()[name]["pid"]

    def fronts(self):
        """The processes of nginx that hold visitors' connections: others after a reload."""
        return subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.worker("nginx"))],
            capture_output=True,
            text=True,
        ).stdout.split()

    def make(self, target, **more):
        return subprocess.run(
            ["make", "-C", str(paths.ROOT), target],
            env={**self.env, **more},
            capture_output=True,
            text=True,
            timeout=500,
        )


@pytest.fixture(scope="module")
def cluster(reachable_folder):
    launch.train()
    running = Running(reachable_folder / "cluster", WORKERS="2", ACTION_WORKERS="2")
    try:
        running.until(lambda: "ready at" in running.words(), "start")
        yield running
    finally:
        running.end()


def history(cluster, visitor):
    return requests.get(cluster.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]


def asked(cluster, visitor):
    return [turn["text"] for turn in history(cluster, visitor) if turn["from"] == "visitor"]


#: Seconds between an answer and the visitor's next message.
THINKING = 0.1


class Load:
    """Visitors who ask one question after the other until `stop`; each notes what it got.

    A visitor thinks for a moment before the next message: two processors are to have time for the
    workers that start meanwhile, too. When workers are replaced nginx is reloaded and closes idle
    connections, maybe just when a message sets out: with `again` it is sent again with the same
    `client_id`, as the widget does.
    """

    def __init__(self, cluster, visitors=4, again=False):
        self.tries = (1, 2) if again else (2,)
        self.visitors = [Visitor(cluster.url) for _ in range(visitors)]
        self.answers = [[] for _ in self.visitors]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._talk, args=pair)
            for pair in zip(self.visitors, self.answers)
        ]
        for thread in self._threads:
            thread.start()

    def _talk(self, visitor, answers):
        with requests.Session() as http:
            while not self._stop.is_set():
                text = f"does it hurt, question number {len(answers)}"
                body = {"text": text, "client_id": f"load-{len(answers)}"}
                for tries in self.tries:
                    try:
                        answer = http.post(
                            visitor.url + "/messages",
                            headers=visitor.headers,
                            json=body,
                            timeout=60,
                        )
                        answers.append(
                            (text, answer.status_code, answer.json().get("turn", {}).get("topics"))
                        )
                        break
                    except requests.ConnectionError as error:
                        if tries == 2:
                            answers.append((text, type(error).__name__, None))
                self._stop.wait(THINKING)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def check(self, cluster):
        """Every message was answered, once, in order: by what the visitors got and by the
        history."""
        for visitor, answers in zip(self.visitors, self.answers):
            assert answers and not [
                answer for answer in answers if answer[1] != 200 or answer[2][:1] != ["pain"]
            ]
            assert asked(cluster, visitor) == [text for text, _, _ in answers]


def test_it_serves_and_listens_on_this_machine_only(cluster):
    visitor = Visitor(cluster.url)
    assert visitor.say("I am pregnant")["cautions"] == ["pregnancy"]
    for _ in range(6):
        assert "pregnancy" in visitor.say("how much does it cost")["cautions"]
    assert visitor.say(EMERGENCY)["urgency"] == "emergency"
    assert requests.get(f"http://127.0.0.1:{cluster.port}/", timeout=30).url.endswith("/demo")
    refused = requests.get(f"http://127.0.0.1:{cluster.port}/model/train", timeout=30)
    assert refused.status_code == 404 and refused.json()["title"] == "Not found"
    ours = {process["port"] for process in cluster.processes().values()}
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        address, port = line.split()[1].split(":")
        if line.split()[3] == "0A" and int(port, 16) in ours:
            assert address == "0100007F", f"port {int(port, 16)} is open to other machines"
    tcp6 = Path("/proc/net/tcp6")
    open6 = (
        {
            int(line.split()[1].split(":")[1], 16)
            for line in tcp6.read_text("ascii").splitlines()[1:]
            if line.split()[3] == "0A"
        }
        if tcp6.exists()
        else set()
    )
    assert not ours & open6


def test_a_killed_worker_loses_no_message(cluster):
    """Killed with messages at hand: nginx brings them to the other worker, and the dead one comes
    back on its port. No connection is closed: nginx is not reloaded."""
    fronts, before = cluster.fronts(), cluster.processes()["worker-1"]
    ready = cluster.words().count("worker-1 is ready")
    with Load(cluster) as load:
        cluster.until(lambda: all(load.answers), "a first answer for every visitor")
        os.kill(before["pid"], signal.SIGKILL)
        assert Visitor(cluster.url).say(EMERGENCY)["urgency"] == "emergency"
        cluster.until(
            lambda: (
                cluster.worker("worker-1") != before["pid"]
                and cluster.words().count("worker-1 is ready") > ready
            ),
            "a new worker-1",
        )
        answered = turns_of(cluster.processes()["worker-1"]["port"])
        cluster.until(lambda: turns_of(before["port"]) > answered, "messages to the new worker-1")
    load.check(cluster)
    assert (
        fronts
        and cluster.fronts() == fronts
        and cluster.processes()["worker-1"]["port"] == before["port"]
    )


def turns_of(port):
    """How many turns a worker has given, by its metrics."""
    page = requests.get(f"http://127.0.0.1:{port}/webhooks/web/metrics", timeout=30).text
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in page.splitlines()
        if line.startswith("assistant_turns_total")
    )


def test_prometheus_finds_every_worker(cluster):
    found = json.loads((cluster.folder / "prometheus.json").read_text("utf-8"))
    assert [entry["labels"]["worker"] for entry in found] == ["worker-1", "worker-2"]
    for entry in found:
        answer = requests.get(
            f"http://{entry['targets'][0]}{entry['labels']['__metrics_path__']}", timeout=30
        )
        assert answer.status_code == 200 and "assistant_turns_total" in answer.text


def insist(visitor, text):
    """The turn of a message that is sent again, as the widget does, until it is answered; and how
    often it was not."""
    for refused in range(6):
        answer = visitor.post("/messages", json={"text": text, "client_id": "the-same"})
        if answer.status_code == 200:
            return answer.json()["turn"], refused
        assert answer.status_code == 503 and answer.headers["Retry-After"] == "5", answer.text
    raise AssertionError("not answered")


def test_a_hung_worker_is_left_out_and_replaced(cluster):
    """Stopped with messages on their way to it: nobody else gets those, and they are answered once
    when they are sent again; emergencies after some seconds at once."""
    visitors, victim = [Visitor(cluster.url) for _ in range(6)], cluster.worker("worker-2")
    left_out, ready = "worker-2 does not answer", "worker-2 is ready"
    before = {words: cluster.words().count(words) for words in (left_out, ready)}
    again = lambda words: cluster.words().count(words) > before[words]
    with ThreadPoolExecutor(6) as pool, stopped(victim):
        waiting = [pool.submit(insist, visitor, "does it hurt") for visitor in visitors]
        cluster.until(lambda: again(left_out), "leaving it out")
        for _ in range(4):
            assert Visitor(cluster.url).say(EMERGENCY)["urgency"] == "emergency"
        answers = [w.result() for w in waiting]
        assert [turn["topics"] for turn, _ in answers] == [["pain"]] * 6
        assert sum(refused for _, refused in answers), "no message was on its way to it"
        assert all(asked(cluster, visitor) == ["does it hurt"] for visitor in visitors)
        cluster.until(
            lambda: cluster.worker("worker-2") != victim and again(ready), "a new worker-2"
        )


def test_a_killed_action_worker_is_not_noticed(cluster):
    visitor, victim = Visitor(cluster.url), cluster.worker("actions-1")
    os.kill(victim, signal.SIGKILL)
    assert visitor.say(EMERGENCY)["urgency"] == "emergency"
    for _ in range(6):
        assert "pain" in visitor.say("does it hurt")["topics"]
    cluster.until(lambda: cluster.worker("actions-1") != victim, "a new action worker")


def test_a_rolling_restart_loses_no_message(cluster):
    before = {
        name: process["pid"]
        for name, process in cluster.processes().items()
        if name.startswith(("worker", "actions"))
    }
    with Load(cluster, again=True) as load, ThreadPoolExecutor(1) as pool:
        restarting = pool.submit(cluster.make, "cluster-restart")
        while not restarting.done():
            assert Visitor(cluster.url).say(EMERGENCY)["urgency"] == "emergency"
            time.sleep(0.5)
        done = restarting.result()
    assert done.returncode == 0, done.stdout + done.stderr
    after = cluster.processes()
    assert before and all(after[name]["pid"] != pid for name, pid in before.items())
    for pid in before.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    load.check(cluster)


def test_a_second_cluster_in_the_same_folder_is_refused(cluster):
    done = cluster.make("cluster", PORT=str(free_port()))
    assert (
        done.returncode != 0
        and "a cluster runs already" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_postgresql_and_redis_come_back_by_themselves(cluster):
    visitor = Visitor(cluster.url)
    assert visitor.say("I am pregnant")["cautions"] == ["pregnancy"]
    for name in ("postgresql", "redis"):
        victim = cluster.worker(name)
        os.kill(victim, signal.SIGKILL)
        assert visitor.say(EMERGENCY)["urgency"] == "emergency"
        replaced = lambda name=name, victim=victim: cluster.worker(name) != victim
        cluster.until(replaced, f"a new {name}")
    said = ["I am pregnant", EMERGENCY, EMERGENCY]
    right = 0
    limit = time.monotonic() + GENEROUS
    while right < 6:  # until both workers use them again
        turn = visitor.say("how much does it cost")
        said.append("how much does it cost")
        known, noted = "pregnancy" in turn["cautions"], NOTES in spoken(turn)
        assert known or noted, "forgotten without a word"
        right = right + 1 if known and not noted else 0
        assert time.monotonic() < limit, "they are not used again"
        time.sleep(0.3)
    # What had to wait for PostgreSQL is entered when it is back: nothing lost, nothing twice,
    # though not always in its place.
    until(lambda: len(asked(cluster, visitor)) >= len(said), "late writing")
    assert sorted(asked(cluster, visitor)) == sorted(said)


def test_no_file_but_the_database_holds_a_visitors_words(cluster):
    """After everything that broke above, and some more: malformed requests, values that the
    database refuses, an emergency."""
    visitor = Visitor(cluster.url)
    for text in (
        "zebraquilt does it hurt",
        f"zebraquilt {EMERGENCY}",
        "zebraquilt \x00 \ud83d",
        "/zebraquilt{",
    ):
        visitor.post(
            "/messages", json={"text": text, "client_id": "zebraquilt"[: len(text)] + text[-3:]}
        )
    visitor.post("/messages", data=b"{zebraquilt", headers={"Content-Type": "application/json"})
    requests.get(f"http://127.0.0.1:{cluster.port}/zebraquilt?zebraquilt", timeout=30)
    requests.post(
        cluster.url + "/messages",
        headers={"Authorization": "Bearer zebraquilt"},
        json={"text": "zebraquilt"},
        timeout=30,
    )
    marked = []
    for file in cluster.folder.rglob("*"):
        database = cluster.folder / "postgresql" / "data"
        if (
            file.is_file()
            and (database not in file.parents or file.suffix == ".log")
            and b"zebraquilt" in file.read_bytes()
        ):
            marked.append(file)
    assert not marked and (cluster.folder / "logs" / "worker-1.log").stat().st_size
    assert "127.0.0.1" not in (cluster.folder / "nginx" / "error.log").read_text("utf-8"), (
        "addresses of visitors"
    )


def test_status_says_what_runs(cluster):
    done = cluster.make("cluster-status")
    assert done.returncode == 0 and all(
        name in done.stdout
        for name in ("postgresql", "redis", "worker-2", "actions-2", "nginx", "status: ok")
    ), done.stdout + done.stderr


def test_ctrl_c_ends_exactly_what_it_started(reachable_folder):
    """A cluster of its own. A process that somebody else started stays."""
    launch.train()
    running = Running(reachable_folder / "ended", WORKERS="1", ACTION_WORKERS="1")
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        running.until(lambda: "ready at" in running.words(), "start")
        pids = [process["pid"] for process in running.processes().values()]
        supervisor = json.loads((running.folder / "status.json").read_text("utf-8"))["pid"]
        os.killpg(running.process.pid, signal.SIGINT)
        running.process.wait(GENEROUS)
        assert "everything that was started is ended" in running.words()
        for pid in [*pids, supervisor]:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert bystander.poll() is None
        assert not (running.folder / "status.json").exists()
        assert running.make("cluster-restart").returncode != 0
    finally:
        running.end()
        bystander.kill()
        bystander.wait()
