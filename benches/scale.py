#!/usr/bin/env python3
"""Measures refresh, plan, checks, predictions and apply on `enterprise` worlds of growing size: `make bench`.

The simulator is a process of its own; what it uses is told apart. The declarations are what `export` writes of the
world, adopted by a first `apply`. Each no-change plan reads all of them, reads the server over HTTP, and compares.
"""

import argparse
import datetime
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import Sample, Watched, machine, numbers, revision, run, seconds, spread, summary, write

ROOT = Path(__file__).resolve().parent.parent
ASKED = 10_000
VERIFIED = 1_000  # subnets: the simulator counts the load of all servers anew for each that is asked
STAGE = re.compile(r'^(\S+)\s+INFO \S+: what="([^"]+)"')


class World:
    """A simulator of N subnets with its profile, its reports and the declarations of all that it holds."""

    def __init__(self, program, folder, subnets, seed):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.program, self.folder, self.subnets = program, folder, subnets
        began = time.perf_counter()
        with open(folder / "sim.out", "wb") as out, open(folder / "sim.err", "wb") as err:
            self.process = subprocess.Popen(
                [program, "sim", "--scenario", "enterprise", "--subnets", str(subnets), "--seed", str(seed)]
                + ["--listen", "127.0.0.1:0", "--db", folder / "world.db"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )
        self.url = self.wait()
        self.start_up = time.perf_counter() - began
        self.watched = Watched(self.process.pid)
        self.profile = folder / "profile.yaml"
        self.declarations = folder / "declarations"

    def wait(self):
        while self.process.poll() is None:
            for name in ("sim.out", "sim.err"):
                found = re.search(r"http://[0-9.]+:[0-9]+", (self.folder / name).read_text(errors="replace"))
                if found:
                    return found.group()
            time.sleep(0.02)
        sys.exit("the simulator did not start:\n" + (self.folder / "sim.err").read_text(errors="replace"))

    def ask(self, method, path):
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=600)
        connection.request(method, path)
        body = connection.getresponse().read()
        connection.close()
        return body

    def requests(self):
        """How many requests the simulator answered since they were last forgotten."""
        return self.ask("GET", "/sim/requests").count(b'"status":')

    def client(self, *words, expect=(0,), log=None, stdin=os.devnull):
        """Runs the client: its sample, the simulator's, and the number of requests."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("SITEWRIGHT")}
        self.ask("DELETE", "/sim/requests")
        self.watched.forget_peak()
        before = self.watched.cpu()
        sample = run(
            [self.program, "--platform", self.url, "--profile", self.profile]
            + ["--state", self.folder / "state", *words],
            self.folder / "out", log or self.folder / "err", env=env, cwd=self.folder, expect=expect,
            stdin=stdin,
        )
        server = Sample(sample.wall, self.watched.cpu() - before, 0.0, self.watched.peak())
        return sample, server, self.requests()

    def prepare(self):
        self.profile.write_bytes(self.ask("GET", "/sim/profile"))
        self.client("profile", "install-reports", "--yes")
        export = self.client("export", "--out", self.declarations)
        adopt = self.client("apply", "--yes", "-f", self.declarations, expect=(0, 4))
        return export, adopt

    def close(self):
        self.process.terminate()
        self.process.wait(60)


def timed(world, repetitions, *words, expect=(0,), says=None):
    """A plan several times: figures of both processes, requests, and where the time goes."""
    world.client("plan", *words, expect=expect)  # the first one warms the caches of both sides
    runs, stages = [], {}
    log = world.folder / "plan.log"
    for _ in range(repetitions):
        runs.append(world.client("plan", *words, expect=expect))
        if says and not (world.folder / "out").read_text().rstrip().endswith(says):
            sys.exit(f"expected `{says}` from plan {words}, found:\n{(world.folder / 'out').read_text()[-500:]}")
    for _ in range(repetitions):
        world.client("plan", *words, "-v", expect=expect, log=log)
        for name, took in read_stages(log):
            stages.setdefault(name, []).append(took)
    return {
        "client": summary([client for client, _, _ in runs]),
        "simulator": summary([server for _, server, _ in runs]),
        "requests": max(requests for _, _, requests in runs),
        "stages": {name: spread(times) for name, times in stages.items()},
    }


def beside(world, repetitions):
    """The other commands that read everything: what they predict and judge grows with the world as well."""
    deployment = world.folder / "deployment"
    shutil.rmtree(deployment, ignore_errors=True)
    shutil.copytree(world.declarations, deployment)
    sites = deployment / "sites.yaml"
    # One site that serves imaging, since `verify` looks at nothing else.
    sites.write_text(sites.read_text().replace("kind: Site\n", "kind: DeploymentSite\n", 1))
    asked = world.folder / "addresses"
    networks = re.findall(r"    - (\d+\.\d+\.\d+)\.\d+/24\b", sites.read_text())
    chosen = random.Random(world.subnets)
    asked.write_text("".join(f"{chosen.choice(networks)}.{chosen.randrange(1, 255)}\n" for _ in range(ASKED)))
    rows = {}
    # Whether the world is as it should be is not what is measured; that there was an answer is.
    commands = [
        ("validate --live", ["validate", "--live", "-f", deployment], (0, 1), os.devnull),
        (f"explain {ASKED:,}", ["explain", "-"], (0,), asked),
    ]
    if world.subnets <= VERIFIED:
        commands.append(("verify", ["verify", "--wait", "0s", "-f", deployment], (0, 1, 2), os.devnull))
    for title, words, expect, stdin in commands:
        runs = []
        for _ in range(repetitions + 1):
            runs.append(world.client(*words, expect=expect, stdin=stdin))
            if not (world.folder / "out").stat().st_size:
                sys.exit(f"`{title}` answered nothing:\n{(world.folder / 'err').read_text()[-500:]}")
        runs = runs[1:]
        rows[title] = {
            "client": summary([client for client, _, _ in runs]),
            "simulator": summary([server for _, server, _ in runs]),
            "requests": max(requests for _, _, requests in runs),
        }
    return rows


def read_stages(log):
    """What `-v` says begins when, as durations."""
    marks = []
    for line in log.read_text(errors="replace").splitlines():
        found = STAGE.match(line)
        if found:
            marks.append((datetime.datetime.fromisoformat(found[1].replace("Z", "+00:00")), found[2]))
    for (began, name), (ended, _) in zip(marks, marks[1:]):
        yield name, (ended - began).total_seconds()


def change(world, target, round_number, created, moved):
    """Copies the declarations with one more site: some of its subnets are new, some taken from other sites."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(world.declarations, target)
    sites = target / "sites.yaml"
    lines = sites.read_text().splitlines(keepends=True)
    subnet = re.compile(r"    - \d+\.\d+\.\d+\.\d+/24\b")
    places = [index for index, line in enumerate(lines) if subnet.match(line)]
    # Every few, so that no site loses all that it has.
    taken = places[1 :: max(2, len(places) // moved)][:moved] if moved else []
    new = [f"    - 172.{16 + round_number}.{index // 256}.{index % 256}/32\n" for index in range(created)]
    text = ["apiVersion: sitewright/v1\nkind: Site\n", f"metadata:\n  name: Bench {round_number:02}\nspec:\n"]
    text += ["  subnets:\n", *(lines[index] for index in taken), *new]
    gone = set(taken)
    kept = "".join(line for index, line in enumerate(lines) if index not in gone)
    sites.write_text(kept + "---\n" + "".join(text))


def apply(world, repetitions, steps):
    """Applies a site, creations and moves; each repetition goes on from the one before."""
    rows = []
    for round_number in range(repetitions):
        target = world.folder / "changed"
        change(world, target, round_number, steps // 2, steps - steps // 2)
        # From a saved plan, so that no refresh is in the figures and nothing has to be taken off.
        plan_file = world.folder / "bench.plan.json"
        world.client("plan", "-f", target, "--out", plan_file)
        client, server, requests = world.client("apply", plan_file, "--yes", expect=(0, 4))
        plan_out = world.folder / "out"
        world.client("plan", "-f", target)
        if not plan_out.read_text().rstrip().endswith("No changes."):
            sys.exit(f"expected `No changes.` after apply, found:\n{plan_out.read_text()[-800:]}")
        rows.append({
            "wall": client.wall,
            "client_cpu": client.cpu,
            "simulator_cpu": server.cpu,
            "requests": requests,
            "peak_mb": client.peak,
        })
        shutil.rmtree(world.declarations)
        target.rename(world.declarations)
    return {"steps": steps, **{name: spread(row[name] for row in rows) for name in rows[0]}}


def show(result):
    """Prints one world's figures, 80 columns wide at most."""
    print(f"\n{result['subnets']:,} subnets: {result['files_mb']:.1f} MB of YAML;"
          f" simulator ready after {seconds(result['start_up'])} s")
    print(f"  {'':22} {'wall, s':>20} {'CPU, s':>7} {'peak MB':>8} {'sim CPU':>7} {'requests':>8}")
    print(f"  {'':22} {'min':>6} {'median':>6} {'max':>6} {'median':>7} {'max':>8} {'median':>7}")
    plans = {"plan, no change": result["unchanged"], "plan, one change": result["one_change"]}
    for title, row in (plans | result["beside"]).items():
        wall, client = row["client"]["wall"], row["client"]
        print(f"  {title:22} {seconds(wall['min']):>6} {seconds(wall['median']):>6} {seconds(wall['max']):>6}"
              f" {seconds(client['cpu']['median']):>7} {client['peak_mb']['max']:>8.1f}"
              f" {seconds(row['simulator']['cpu']['median']):>7} {row['requests']:>8}")
    row = result["apply"]
    wall = row["wall"]
    title = f"apply, {row['steps']} subnets"
    print(f"  {title:22} {seconds(wall['min']):>6} {seconds(wall['median']):>6} {seconds(wall['max']):>6}"
          f" {seconds(row['client_cpu']['median']):>7} {row['peak_mb']['max']:>8.1f}"
          f" {seconds(row['simulator_cpu']['median']):>7} {row['requests']['median']:>8.0f}")
    each = wall["median"] / row["steps"] * 1000
    print(f"  per subnet: {each:.1f} ms, {row['requests']['median'] / row['steps']:.1f} requests"
          " (of a saved plan)")
    stages = result["unchanged"]["stages"]
    total = sum(times["median"] for times in stages.values()) or 1
    print("  where the time of the plan without changes goes (median):")
    for name, times in stages.items():
        print(f"    {name:52} {seconds(times['median']):>6} s {times['median'] / total:>5.0%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of subnets (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="of every plan (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="subnets to create or move (default: %(default)s)")
    parser.add_argument("--apply-repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=ROOT / "target/release/sitewright", type=Path)
    parser.add_argument("--work", default=ROOT / "target/bench", type=Path)
    arguments = parser.parse_args()
    program, work = arguments.program.resolve(), arguments.work.resolve()
    about = {"machine": machine(), "revision": revision(), "results": []}
    print(f"{about['revision']}, {about['machine']['cores']} cores, {about['machine']['processor']}"[:80])
    for subnets in numbers(arguments.sizes):
        world = World(program, work / f"scale-{subnets}", subnets, arguments.seed)
        try:
            export, adopt = world.prepare()
            files = sum(file.stat().st_size for file in world.declarations.glob("*.yaml")) / 1e6
            result = {"subnets": subnets, "start_up": world.start_up, "files_mb": files}
            result["export"] = summary([export[0]])
            result["adopt"] = summary([adopt[0]])
            result["unchanged"] = timed(
                world, arguments.repetitions, "-f", world.declarations, says="No changes."
            )
            change(world, world.folder / "one", 15, 1, 0)
            result["one_change"] = timed(world, arguments.repetitions, "-f", world.folder / "one")
            result["beside"] = beside(world, arguments.repetitions)
            result["apply"] = apply(world, arguments.apply_repetitions, arguments.steps)
        finally:
            world.close()
        about["results"].append(result)
        show(result)
    write(work / "scale.json", about)


if __name__ == "__main__":
    main()
