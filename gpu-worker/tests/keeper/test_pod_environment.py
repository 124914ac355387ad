"""Where the pod's variables come from."""

from __future__ import annotations

from runpod_trainer_worker.keeper.pod_environment import parse_environ, parse_exports


def test_pod_environment_formats() -> None:
    assert parse_environ(b"A=1\0B=x=y\0\xff=\0bad\0") == {"A": "1", "B": "x=y", "\udcff": ""}
    text = 'export RUNPOD_POD_ID="p1"\nexport X="a \\"b\\" $c"\nexport Y=plain\necho no\nexport Z="unclosed\n'
    assert parse_exports(text) == {"RUNPOD_POD_ID": "p1", "X": 'a "b" $c', "Y": "plain"}
