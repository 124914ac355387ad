"""The cases that worker and client share (`contract/vectors`): what both must read or say in the same way."""

from __future__ import annotations

import base64
import http.server
import io
import json
import shlex
import subprocess
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict

import pytest
from conftest import schema, vectors

from runpod_trainer_worker.base.credentials import is_credential, why_not_maskable
from runpod_trainer_worker.base.errors import WorkerError
from runpod_trainer_worker.base.globs import Glob, match
from runpod_trainer_worker.files.frames import FrameReader
from runpod_trainer_worker.files.incoming import merged, read_journal
from runpod_trainer_worker.gates.equality import Kind, matcher, shown
from runpod_trainer_worker.keeper.pod_api import PodApi
from runpod_trainer_worker.run.metrics import MetricTail, pieces
from runpod_trainer_worker.run.notebook_child import Refused, read_notebook
from runpod_trainer_worker.volume.streams import missing

Case = Dict[str, Any]


@pytest.mark.parametrize("case", vectors("globs"))
def test_globs(case: Case, tmp_path: Path) -> None:
    glob = Glob(case["pattern"])
    assert [path for path in case["matches"] if not glob.matches(path)] == []
    assert [path for path in case["others"] if glob.matches(path)] == []
    there = set()
    for path in [*case["matches"], *case["others"]]:
        try:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text("x", encoding="utf-8")
            there.add(path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # one case has a file and a folder of the same name
    found = match(tmp_path, case["pattern"])
    assert found == sorted(found) and set(found) == {path for path in case["matches"] if path in there}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("case", vectors("notebooks"))
def test_notebooks(case: Case, encoding: str, tmp_path: Path) -> None:
    text = json.dumps(case["notebook"])
    (tmp_path / "a.ipynb").write_bytes((("\ufeff" if encoding.startswith("utf-16") else "") + text).encode(encoding))
    if case.get("refused"):
        with pytest.raises(Refused) as caught:
            read_notebook(tmp_path / "a.ipynb", "a.ipynb")
        assert case.get("language", "") in str(caught.value)
        return
    code = [cell for cell in read_notebook(tmp_path / "a.ipynb", "a.ipynb").cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == case["cells"]
    tagged = [number for number, cell in enumerate(code, 1) if "parameters" in cell.metadata.get("tags", [])]
    assert tagged[:1] == ([case["parameters"]] if "parameters" in case else [])


@pytest.mark.parametrize("case", vectors("frames"))
def test_frames(case: Case) -> None:
    reader = FrameReader(io.BytesIO(base64.b64decode(case["stream"])))
    if case.get("broken"):
        with pytest.raises(WorkerError) as caught:
            reader.skip(1 << 40)
        assert "within a file" not in caught.value.why, "a stream that is whole"
        return
    contents = base64.b64decode(case["contents"]) if "contents" in case else bytes(case["zeros"])
    assert b"".join(reader.pieces(len(contents))) == contents and reader.line() == b""


@pytest.mark.parametrize("case", vectors("ranges"))
def test_ranges(case: Case) -> None:
    if "journal" in case:
        assert read_journal(case["journal"].encode()) == case["ranges"]
        return
    assert merged([list(r) for r in case["have"]], case["size"]) == case["merged"]
    assert [list(r) for r in missing(case["size"], case["have"])] == case["missing"]


@pytest.mark.parametrize("case", vectors("credentials"))
def test_credentials(case: Case) -> None:
    assert is_credential(case["name"], case["value"]) is case["credential"]


@pytest.mark.parametrize("case", vectors("secrets"))
def test_secrets(case: Case) -> None:
    assert (why_not_maskable(case["value"]) is None) is case["maskable"]


@pytest.mark.parametrize("case", vectors("quoting"))
def test_quoting(case: Case) -> None:
    assert shlex.split(case["command"]) == case["argv"]
    for command in (case["command"], shlex.join(case["argv"])):
        done = subprocess.run(["sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
        assert done.stdout.decode().split("\0")[:-1] == case["argv"]


@pytest.mark.parametrize("case", vectors("api-answers"))
def test_api_answers(case: Case) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(case["status"])
            if case["contentType"] is not None:
                self.send_header("Content-Type", case["contentType"])
            self.send_header("Content-Length", str(len(case["body"].encode())))
            self.end_headers()
            if case["status"] != 204:
                self.wfile.write(case["body"].encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        answer = PodApi(f"http://127.0.0.1:{server.server_address[1]}/v2", "pod1", "rpa_keykeykey", 10).action("terminate")
        thread.join()
    assert answer.status == case["status"] and answer.gone is case["gone"]
    # What may be different later is asked again, and what nobody has said is not believed.
    refused = case["kind"] in ("not-found", "conflict", "permission", "edge-blocked", "auth")
    assert answer.temporary is (case["kind"] is not None and not refused)


@pytest.mark.parametrize("case", vectors("numbers"))
def test_numbers(case: Case, tmp_path: Path) -> None:
    if case["kind"] == "parameter":
        if case["travels"] is not None:
            assert repr(json.loads(case["travels"])) == case["arrives"]
        return
    tail = MetricTail(tmp_path / "metrics.jsonl")
    (tmp_path / "metrics.jsonl").write_text(f'{{"m": {case["text"]}}}\n')
    (report,) = tail.read()
    assert [json.dumps(part, allow_nan=False) for part in pieces(report)] == [f'{{"m": {case["travels"]}}}']


def kind_of(told: Case) -> Kind:
    parts = tuple(kind_of(part) for part in told.get("parts", ()))
    return Kind(**{**told, "parts": parts, "names": tuple(told.get("names", ()))})


def raw_of(kind: Kind, told: Any) -> Any:
    if told is None or kind.name == "bool":
        return told
    if kind.name in ("list", "struct", "map"):
        parts = kind.parts * len(told) if kind.name == "list" else kind.parts
        if kind.name == "map":
            return [tuple(raw_of(part, item) for part, item in zip(kind.parts, pair)) for pair in told]
        return [raw_of(part, item) for part, item in zip(parts, told)]
    read: Dict[str, Any] = {"text": bytes.fromhex, "decimal": Decimal, "float": float}
    return read.get(kind.name, int)(told)


@pytest.mark.parametrize("case", vectors("gate-values"))
def test_gate_values(case: Case) -> None:
    kind = kind_of(case["kind"])
    value = raw_of(kind, case["raw"])
    assert [text for text in case["same"] if not matcher(kind, json.loads(text))(value)] == []
    assert [text for text in case["other"] if matcher(kind, json.loads(text))(value)] == []
    # What evidence shows can be written into the project file.
    told = shown(kind, value)
    told = json.dumps(told) if isinstance(told, (list, dict)) else str(told) if isinstance(told, float) else told
    assert matcher(kind, told)(value), told


@pytest.mark.parametrize("case", vectors("events"))
def test_events(case: Case) -> None:
    assert schema("events").is_valid(case["event"]) is case["valid"]
