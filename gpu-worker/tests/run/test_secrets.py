"""R9.6: what a step was given in secret is nowhere afterwards, in no form and in no file that the worker keeps."""

from __future__ import annotations

import base64
import json
import re
import shlex
import urllib.parse
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from conftest import Api, Bench, on_pod, shell, wait_for

SECRETS = {
    "CANARY_TOKEN": "canary-Zx81kQpL0v7TtR",
    "TOK_CR": "tok-Q7w8e9r0tYuIoP123\r",
    "MULTI": "first-line-secret-11\nsecond-line-secret-22",
    "FIELDS": json.dumps({"client": "field-Mb3Xq9", "key": {"pem": "line-Aq1Zw2Sx3\nline-Ed4Cr5Fv6"}}),
    "ODD": "p'a\"ss w\\ö/rd+$1%&9",
}
PARTS = [
    *(value.strip() for value in SECRETS.values()),
    *SECRETS["MULTI"].split("\n"),
    "field-Mb3Xq9",
    "line-Aq1Zw2Sx3",
    "line-Ed4Cr5Fv6",
]
#: Prints everything it was given, and what it is told to, in every way it can think of.
CANARY = r"""
import base64, json, os, re, shlex, sys, time, urllib.parse
names = ["CANARY_TOKEN", "TOK_CR", "MULTI", "FIELDS", "ODD"]
values = [os.environ[name] for name in names] + open(os.environ["FOUND"]).read().split()
texts = [text for value in values for text in (value, value.strip(), *value.split("\n"))]
texts += [json.loads(os.environ["FIELDS"])["client"], *json.loads(os.environ["FIELDS"])["key"]["pem"].split("\n")]

def forms(text):
    raw = text.encode()
    yield from (text, json.dumps(text), json.dumps(text, ensure_ascii=False), json.dumps(json.dumps(text)))
    yield from (urllib.parse.quote(text), urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text))
    yield from (repr(text), repr(raw), shlex.quote(text))
    yield from ("\0".join(text), re.sub(r"(\d+)", "\x1b[1;36m\\1\x1b[0m", text), text + "\r", raw.hex())
    for before in ("", "x", "xy"):
        yield base64.b64encode((before + text + "end").encode()).decode()
        yield base64.urlsafe_b64encode((before + text + "end").encode()).decode()
    yield base64.encodebytes(b"Q" * 50 + raw).decode()
    yield "\x1b]8;;http://host/?token=" + text + "\x07link\x1b]8;;\x07"
    yield "\x1b]0;" + text

def in_pieces(text, out):
    for n in range(0, len(text), 5):
        out.write(text[n : n + 5])
        out.flush()
        if len(text) < 30:
            time.sleep(0.001)
    out.write("\n")

def report(values):
    with open(os.environ["RUNPOD_TRAINER_METRICS"], "a") as file:
        for value in values:
            file.write(json.dumps({value: 1.0, "note": value, "loss " + value.strip(): 2}) + "\n")
            file.write("no JSON: " + value + "\n")
"""
SHELL_STEP = (
    CANARY
    + r"""
for out in (sys.stdout, sys.stderr):
    for text in texts:
        for form in forms(text):
            print("canary", form, file=out)
        in_pieces(text, out)
        print("50%\r" + text, end="\r", file=out, flush=True)
report(values)
"""
)
CELLS = [
    CANARY
    + r"""
for text in texts:
    for form in forms(text):
        print("canary", form)
report(values)
""",
    r"""
from IPython.display import display
for text in texts:
    html, svg = f"<b>{text}</b>", f"<svg>{text}</svg>"
    data = {"text/html": html, "image/svg+xml": svg, "text/latex": text, "text/markdown": text}
    data["application/json"] = {text: [text]}
    data["application/octet-stream"] = base64.encodebytes(b"Q" * 50 + text.encode()).decode()
    data["application/vnd.vega.v5+json"] = {"spec": {"values": [{"name": json.dumps(text)}]}}
    data["application/javascript"] = json.dumps(text)
    display(data, raw=True, metadata={"about": text})
    sys.stdout.write(text[: len(text) // 2]); sys.stdout.flush(); time.sleep(0.2)
    sys.stderr.write("other\n"); sys.stderr.flush(); time.sleep(0.2)
    sys.stdout.write(text[len(text) // 2 :] + "\n"); sys.stdout.flush()
texts
""",
    "raise ValueError('x' * 970 + values[0] + str(values))",
]


def kept(bench: Bench) -> Iterator[Tuple[Path, str]]:
    """Every file of the job, of the project's state, of the keeper and on the pod's own disk."""
    for folder in (bench.root / "vol" / ".runpod-trainer", bench.project / ".runpod-trainer", bench.temporary):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes().decode("utf-8", "replace")


def leaks(text: str, values: List[str]) -> List[str]:
    """Forms of the values in a text, also with colours in them, and in texts of its JSON."""
    bare = re.sub("\x1b\\[[0-9;]*m|[\0\r]", "", text.replace("\\u001b", "\x1b").replace("\\u0000", "").replace("\\r", ""))
    found = []
    for value in values:
        raw = value.encode()
        written = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
        written |= {json.dumps(json.dumps(value))[3:-3], json.dumps(repr(value)[1:-1])[1:-1], raw.hex()}
        quoted = (urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value))
        written |= {
            *quoted,
            shlex.quote(value),
            json.dumps(shlex.quote(value))[1:-1],
            shlex.quote(value).replace('"', '\\"'),
        }
        for before in range(3):
            core = base64.b64encode(b"x" * before + raw)[(0, 2, 3)[before] :].rstrip(b"=").decode()[:-1]
            written |= {core, core.translate(str.maketrans("+/", "-_"))}
        unwrapped = bare.replace("\\n", "").replace("\n", "").replace('",', "").replace('"', "").replace(" ", "")
        found += [form for form in written if form in bare or (form.isalnum() and form in unwrapped)]
    return found


def check(bench: Bench, values: List[str]) -> None:
    seen = [path.name for path, text in kept(bench)]
    assert "events.jsonl" in seen and "stdout.log" in seen and "metrics.jsonl" in seen and "state.json" in seen
    found = {str(path): leaks(text, values) for path, text in kept(bench)}
    assert {path: forms for path, forms in found.items() if forms} == {}


@pytest.fixture
def found(bench: Bench) -> List[str]:
    """A key that the step was not given and that it found all the same."""
    bench.pod["RUNPOD_TRAINER_END_KEY"] = "rpa_Zq81EndKeyOfTheUser77"
    keys = [bench.pod["RUNPOD_API_KEY"], bench.pod["RUNPOD_TRAINER_END_KEY"]]
    (bench.root / "found").write_text("\n".join(keys))
    return keys


def run_on_pod(bench: Bench, api: Api, *steps: Dict[str, Any]) -> None:
    bench.rent(api)
    bench.spec(*(on_pod({**one, "secrets": list(SECRETS)}) for one in steps), env={"FOUND": str(bench.root / "found")})
    assert bench.start(**SECRETS)["pid"] > 0
    wait_for(lambda: bench.events("job.finished"), 60)


def test_canaries_of_a_shell_step_are_nowhere(bench: Bench, api: Api, found: List[str]) -> None:
    bench.write("canary.py", SHELL_STEP)
    bench.write("gate.py", CANARY + "print(*texts, sep='\\n')\nprint(json.dumps({v: texts for v in values}))\nsys.exit(3)")
    gates = [{"type": "script", "script": "gate.py"}, {"type": "metric", "name": "loss [secret]", "min": 5}]
    traced = 'set -x; for name in ${!CANARY*} ODD MULTI; do printf \'%q \' "${!name}"; echo "${!name}" | base64; done'
    run_on_pod(bench, api, shell("s", f"{traced}; python3 canary.py", gates=gates))
    assert "canary [secret]" in bench.output() and bench.events("gate")[0]["gate"]["status"] == "failed"
    assert any(name == "[secret]" for event in bench.events("metric") for name in event["values"])
    check(bench, [*PARTS, *found])


def test_canaries_of_a_failing_step_are_nowhere(bench: Bench, api: Api, found: List[str]) -> None:
    bench.write("canary.py", SHELL_STEP + "raise SystemExit('x' * 480 + ODD)".replace("ODD", "os.environ['ODD'] * 20"))
    run_on_pod(bench, api, shell("s", "python3 canary.py"))
    assert bench.events("step.finished")[0]["status"] == "failed"
    check(bench, [*PARTS, *found])


def test_canaries_of_a_notebook_are_nowhere(bench: Bench, api: Api, found: List[str]) -> None:
    bench.notebook("nb.ipynb", CELLS)
    run_on_pod(bench, api, {"name": "nb", "run": {"kind": "notebook", "path": "nb.ipynb", "parameters": {}}})
    copy = json.loads((bench.job / "steps" / "01-nb" / "nb.ipynb").read_text())
    kinds = [kind for output in copy["cells"][1]["outputs"] for kind in output.get("data", {})]
    assert {"text/html", "image/svg+xml", "application/json", "application/octet-stream"} <= set(kinds)
    assert "failed: ValueError: xxxx" in bench.events("step.finished")[0]["reason"]
    check(bench, [*PARTS, *found])


def test_canaries_of_a_step_on_this_machine_are_nowhere(bench: Bench) -> None:
    (bench.root / "found").write_text(bench.pod["RUNPOD_API_KEY"])
    bench.write("canary.py", SHELL_STEP)
    bench.spec(shell("s", "python3 canary.py", secrets=list(SECRETS)), env={"FOUND": str(bench.root / "found")})
    done = bench.command("run", "--job-dir", str(bench.job), "--side", "local", stdin=json.dumps({"secrets": SECRETS}))
    assert done.returncode == 0, done
    check(bench, [*PARTS, bench.pod["RUNPOD_API_KEY"]])
    assert leaks(done.stdout + done.stderr, PARTS) == [] and bench.left_on_disk() == []


def test_the_search_finds_what_is_there() -> None:
    for value in PARTS:
        for text in (value, json.dumps({"a": value}), json.dumps({"a": json.dumps(value)}), urllib.parse.quote(value)):
            assert leaks(text, [value]), text
        assert leaks(base64.b64encode(b"x" + value.encode() + b"y").decode(), [value])


@pytest.mark.parametrize("value", ["1234", "password", "aaaaaaaa", "20240101"])
def test_a_secret_that_cannot_be_hidden_is_refused_with_the_reason(bench: Bench, value: str) -> None:
    bench.spec(shell("s", "echo never", secrets=["PIN_OF_MINE"]))
    assert bench.run_here(PIN_OF_MINE=value).returncode == 1
    reason = bench.events("step.finished")[0]["reason"]
    assert "PIN_OF_MINE of step s cannot be kept out of what is printed" in reason
    assert re.search("characters|common word", reason) and bench.output() == []


def test_the_last_line_before_a_silence_is_told(bench: Bench) -> None:
    """It may go on to be a secret in another form, but a step may be silent for hours."""
    value = "hf_Zq8vT2mLx9KcR4wYbN7pEdUgHs"
    bench.spec(on_pod(shell("s", f"echo {value}; touch said; sleep 60", secrets=["TOKEN"])))
    bench.start(TOKEN=value)
    wait_for((bench.project / "said").exists)
    wait_for(lambda: bench.output() == ["[secret]"])
    bench.command("control", "--job-dir", str(bench.job), "cancel")
    assert bench.follow().returncode == 0


def test_colours_and_lines_of_a_step_stay(bench: Bench) -> None:
    bench.spec(shell("s", "printf '\\033[1mkey %s\\033[0m\\nnext\\n' \"$CANARY_TOKEN\"", secrets=["CANARY_TOKEN"]))
    assert bench.run_here(CANARY_TOKEN=SECRETS["CANARY_TOKEN"]).returncode == 0
    assert bench.output() == ["\x1b[1mkey [secret]\x1b[0m", "next"]


def test_evidence_that_was_cut_inside_a_secret_shows_none_of_it(bench: Bench) -> None:
    says = "'{\"k\": \"' + 'y' * 190 + os.environ['CANARY_TOKEN'] + '\"}'"
    bench.write("gate.py", f"import os\nprint({says})\nexit(1)")
    bench.spec(shell("s", "true", secrets=["CANARY_TOKEN"], gates=[{"type": "script", "script": "gate.py"}]))
    assert bench.run_here(CANARY_TOKEN=SECRETS["CANARY_TOKEN"]).returncode == 1
    evidence = bench.events("gate")[0]["gate"]["evidence"]
    assert evidence["k"] == "y" * 190 + "[secret]…"


def test_a_script_gate_reads_what_the_step_reported(bench: Bench) -> None:
    bench.write("gate.py", "import os\nassert 'loss' in open(os.environ['RUNPOD_TRAINER_METRICS']).read()")
    command = "echo '{\"loss\": 1}' >> $RUNPOD_TRAINER_METRICS"
    bench.spec(shell("s", command, gates=[{"type": "script", "script": "gate.py"}]))
    assert bench.run_here().returncode == 0, bench.output()
    assert (bench.job / "steps" / "01-s" / "metrics.jsonl").read_text() == '{"loss": 1}\n'
