#!/usr/bin/env python3
"""Sets peers beside ours in one run, on plans that change nothing: `make bench-peers`.

octoDNS compares N address records of one zone, YAML to YAML, and is installed from PyPI into .tools/bench-venv.
Terraform compares N resources that need no network, and takes part where it is on the PATH. Neither reads a server;
ours does, over HTTP, so that the comparison is not in our favour. The simulator's own CPU is not in our row.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import machine, numbers, revision, run, seconds, summary, write
from scale import ROOT, World

OCTODNS = "octodns==1.22.0"


def octodns(work, count):
    """A zone as declared and the same zone as target; what to run, and what the output must say."""
    program = ROOT / ".tools/bench-venv/bin/octodns-sync"
    if not program.exists():
        print("installing octoDNS into .tools/bench-venv", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", ROOT / ".tools/bench-venv"], check=True)
        pip = [ROOT / ".tools/bench-venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, OCTODNS], check=True)
    for side in ("declared", "live"):
        (work / side).mkdir(parents=True)
        with open(work / side / "bench.example.yaml", "w") as zone:
            zone.write("---\n")
            for index in range(count):
                address = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
                zone.write(f"host{index:07}:\n  type: A\n  ttl: 600\n  values: [{address}]\n")

    def provider(side):
        kind = "octodns.provider.yaml.YamlProvider"
        return {"class": kind, "directory": str(work / side), "enforce_order": False, "supports_root_ns": False}

    config = {
        "manager": {"max_workers": 1},
        "providers": {side: provider(side) for side in ("declared", "live")},
        "zones": {"bench.example.": {"sources": ["declared"], "targets": ["live"]}},
    }
    (work / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    return [program, "--config-file", work / "config.yaml"], dict(os.environ)


def terraform(work, count):
    """Resources of the built-in type, and a state that has them all."""
    program = shutil.which("terraform")
    if not program:
        return None
    work.mkdir(parents=True)
    provider = 'provider["terraform.io/builtin/terraform"]'
    head = {"version": 4, "terraform_version": "1.4.0", "serial": 1, "lineage": str(uuid.UUID(int=1)), "outputs": {}}
    # Written piece by piece, so that this process stays small.
    with open(work / "main.tf.json", "w") as declared, open(work / "terraform.tfstate", "w") as state:
        declared.write('{"resource": {"terraform_data": {')
        state.write(json.dumps(head)[:-1] + ', "resources": [')
        for index in range(count):
            name, comma = f"net{index:07}", ",\n" if index else ""
            value = {"network": f"10.{index >> 8 & 255}.{index & 255}.0/24", "site": f"Site {index // 50:04}"}
            declared.write(f"{comma}{json.dumps(name)}: {json.dumps({'input': value})}")
            typed = {"value": value, "type": ["object", {field: "string" for field in value}]}
            attributes = {"id": str(uuid.UUID(int=index)), "input": typed, "output": typed, "triggers_replace": None}
            resource = {
                "mode": "managed", "type": "terraform_data", "name": name, "provider": provider,
                "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
            }
            state.write(comma + json.dumps(resource))
        declared.write("}}}")
        state.write("]}")
    (work / "terraformrc").write_text("")
    env = dict(
        os.environ, CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1", NO_COLOR="1", TF_CLI_CONFIG_FILE=str(work / "terraformrc")
    )
    run([program, "init", "-input=false"], work / "out", work / "err", env=env, cwd=work)
    # Exit code 2 would mean that there is something to change.
    return [program, "plan", "-input=false", "-detailed-exitcode"], env


def peer(make, work, count, repetitions):
    """A peer's no-change plan, several times; `None` where it is not installed."""
    shutil.rmtree(work, ignore_errors=True)
    made = make(work, count)
    if made is None:
        return None
    command, env = made
    return summary([run(command, work / "out", work / "err", env=env, cwd=work) for _ in range(repetitions)])


def ours(program, work, count, repetitions, seed=1):
    world = World(program, work, count, seed)
    try:
        world.prepare()
        plan = ("plan", "-f", world.declarations)
        world.client(*plan)
        runs = [world.client(*plan)[0] for _ in range(repetitions)]
        if not (world.folder / "out").read_text().rstrip().endswith("No changes."):
            sys.exit("expected `No changes.`")
        return summary(runs)
    finally:
        world.close()


def row(name, count, figures, base):
    wall, cpu, peak = figures["wall"], figures["cpu"]["median"], figures["peak_mb"]["max"]
    times = ""
    if base is not None:
        times = "".join(
            f"{value:>7.1f}x"
            for value in (wall["median"] / base["wall"]["median"], cpu / base["cpu"]["median"], peak / base["peak_mb"]["max"])
        )
    print(f"{name:11}{count:>8,} {seconds(wall['min']):>6} {seconds(wall['median']):>6} {seconds(wall['max']):>6}"
          f" {seconds(cpu):>7} {peak:>8.1f} {times}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--octodns", default="10000,100000", help="numbers of records (default: %(default)s)")
    parser.add_argument("--terraform", default="1000,10000", help="numbers of resources (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--program", default=ROOT / "target/release/sitewright", type=Path)
    parser.add_argument("--work", default=ROOT / "target/bench", type=Path)
    arguments = parser.parse_args()
    program, work = arguments.program.resolve(), arguments.work.resolve()
    peers = [("octoDNS", octodns, numbers(arguments.octodns)), ("Terraform", terraform, numbers(arguments.terraform))]
    about = {"machine": machine(), "revision": revision(), "octodns": OCTODNS, "results": []}
    if not shutil.which("terraform"):
        print("Terraform is skipped: there is no `terraform` on the PATH (get it from developer.hashicorp.com/terraform)")
        peers.pop()
    print("A plan that changes nothing, of N objects. Times are in seconds; ratios are to ours.\n")
    print(f"{'':11}{'N':>8} {'wall: min, median, max':>20} {'CPU':>5} {'peak MB':>8} {'wall':>8}{'CPU':>8}{'peak':>8}")
    for count in sorted({size for _, _, sizes in peers for size in sizes}):
        base = ours(program, work / f"peers-ours-{count}", count, arguments.repetitions)
        row("Sitewright", count, base, None)
        result = {"count": count, "Sitewright": base}
        for name, make, sizes in peers:
            if count in sizes:
                figures = peer(make, work / f"peers-{name}-{count}", count, arguments.repetitions)
                row(name, count, figures, base)
                result[name] = figures
        about["results"].append(result)
    write(work / "peers.json", about)


if __name__ == "__main__":
    main()
