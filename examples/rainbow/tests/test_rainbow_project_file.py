"""The project file: shaped like the pipeline it stands for, and naming only what exists."""

from typing import Any

from conftest import SAMPLE


def test_r3_1_steps_come_in_order(project: dict[str, Any]) -> None:
    names = [step["name"] for step in project["steps"]]
    assert names == ["raw", "manifest", "segments", "embed", "phase_1", "phase_2", "phase_4", "phase_3"]
    assert [step["where"] for step in project["steps"]] == ["local"] * 3 + ["pod"] * 5


def test_r3_2_every_kind_of_gate_occurs(project: dict[str, Any]) -> None:
    kinds = {gate["type"] for step in project["steps"] for gate in step["gates"]}
    assert kinds == {"file", "rows", "distinct", "populated", "metric", "checkpoint", "script"}


def test_r2_2_code_that_must_be_uploaded_is_there_and_raw_material_is_not_uploaded(project: dict[str, Any]) -> None:
    sync = project["sync"]
    for pattern in sync["must"]:
        assert list(SAMPLE.glob(f"{pattern}*" if pattern.endswith("/") else pattern)), pattern
    assert {"staged_raw_material/", "chain_artifacts/", ".git/"} <= set(sync["never"])
    outputs = {path for step in project["steps"] if step["where"] == "local" for path in step["outputs"]}
    assert set(sync["data"]) <= outputs


def test_modules_notebooks_and_scripts_exist(project: dict[str, Any]) -> None:
    for step in project["steps"]:
        named = step.get("notebook") or step["module"].replace(".", "/") + ".py"
        assert (SAMPLE / named).is_file(), named
        for gate in step["gates"]:
            if gate["type"] == "script":
                assert (SAMPLE / gate["script"]).is_file()


def test_every_step_declares_inputs_and_outputs_for_resume(project: dict[str, Any]) -> None:
    made: set[str] = set()
    for step in project["steps"]:
        for pattern in step["inputs"]:
            root = pattern.split("*")[0]
            assert any(out.split("*")[0].startswith(root) or root.startswith(out.split("*")[0]) for out in made), (
                pattern
            )
        made |= set(step["outputs"])


def test_r3_3_the_on_pod_profile_uploads_no_data(project: dict[str, Any]) -> None:
    profile = project["profiles"]["on-pod"]
    assert profile["where"] == "pod"
    assert profile["sync"]["data"] == []


def test_requirements_are_pinned_and_leave_torch_to_the_image() -> None:
    lines = (SAMPLE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert all("==" in line for line in packages)
    assert not any(line.startswith("torch") for line in packages)
