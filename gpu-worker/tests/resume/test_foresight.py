"""What a job will run again, told before it is started (R3.8, R4.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from runpod_trainer_worker.base.contract import LIMITS
from runpod_trainer_worker.journal.spec import read_spec
from runpod_trainer_worker.resume.foresight import foreseen


def _step(name: str, **more: Any) -> Dict[str, Any]:
    return {"name": name, "where": "pod", "run": {"kind": "script", "path": f"{name}.py", "args": []}, **more}


class World:
    """A project folder with a script for each step, and what is known of its last job."""

    def __init__(self, folder: Path, steps: List[Dict[str, Any]]) -> None:
        self.folder, self.steps = folder, steps
        self.before: Dict[str, Optional[Dict[str, Any]]] = {}
        for step in steps:
            (folder / f"{step['name']}.py").write_text(f"print('{step['name']}')\n")

    def foresee(self, **spec: Any) -> Dict[str, List[str]]:
        return {one["step"]: one["why"] for one in self._told(**spec)}

    def doubts(self, *other: str) -> Dict[str, List[str]]:
        told = self._told({path: f"{path} is another" for path in other})
        assert [one["why"] for one in told] == [[] for _ in told]
        return {one["step"]: one["unsure"] for one in told}

    def _told(
        self,
        other: Optional[Dict[str, str]] = None,
        outputs: Optional[Dict[str, Dict[str, List[str]]]] = None,
        **spec: Any,
    ) -> List[Dict[str, Any]]:
        code = sorted(path.name for path in self.folder.glob("*.py"))
        raw = {
            "schema": LIMITS.spec_schema_number,
            "job": "j",
            "project": "p",
            "paths": {"project": str(self.folder), "mount": str(self.folder)},
            "image": "image:1",
            "code": code,
            "steps": self.steps,
            **spec,
        }
        return foreseen(read_spec(raw), {}, self.before, other, outputs)

    def with_outputs(self, **outputs: Dict[str, List[str]]) -> Dict[str, List[str]]:
        return {one["step"]: [*one["why"], *one["unsure"]] for one in self._told(outputs=outputs)}

    def all_passed(self) -> None:
        """As the client knows it after a job in which every step passed."""
        runs = {step["name"]: f"job {step['name']}" for step in self.steps}
        for index, one in enumerate(self._told()):
            step = self.steps[index]
            self.before[one["step"]] = {
                "passed": True,
                "parts": one["parts"],
                "latest": runs[one["step"]],
                "after": {name: runs[name] for name in list(runs)[:index]},
                "patterns": step.get("outputs", []),
            }


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(
        tmp_path,
        [
            _step("prepare", inputs=["*.csv"], outputs=["data/**"]),
            _step("train", inputs=["data/**"], outputs=["model/*"]),
            _step("report", inputs=["notes.csv"], outputs=["report.html"]),
        ],
    )


def test_what_is_not_known_will_run(world: World) -> None:
    assert all(why == ["it never ran, or its last run did not pass"] for why in world.foresee().values())


def test_an_unchanged_project_is_skipped(world: World) -> None:
    (world.folder / "notes.csv").write_text("a\n")
    world.all_passed()
    assert world.foresee() == {"prepare": [], "train": [], "report": []}


def test_a_change_that_one_step_sees_leaves_the_earlier_ones_and_those_beside_it(world: World) -> None:
    world.all_passed()
    (world.folder / "train.py").write_text("print('other')\n")
    assert world.foresee() == {"prepare": [], "train": ["code train.py changed"], "report": []}


def test_what_a_step_will_make_anew_is_an_input_that_may_change(world: World) -> None:
    world.all_passed()
    (world.folder / "prepare.py").write_text("print('other')\n")
    told = world.foresee()
    assert told["train"] == ["prepare will run before it and may change its input data/**"]
    assert told["report"] == []


def test_a_changed_input_image_or_step_is_named(world: World) -> None:
    (world.folder / "notes.csv").write_text("a\n")
    world.all_passed()
    (world.folder / "notes.csv").write_text("b\n")
    assert world.foresee()["report"] == ["input notes.csv changed"]
    assert world.foresee(image="image:2")["train"] == ["image changed from image:1 to image:2"]
    assert world.foresee(**{"from": "report"})["report"][0] == "asked for"


def test_outputs_that_were_looked_at_there_count_for_the_step_and_those_after_it(world: World) -> None:
    (world.folder / "notes.csv").write_text("a\n")
    world.all_passed()
    gone = world.with_outputs(prepare={"why": ["output data/a is gone"], "unsure": []}, train={"why": [], "unsure": []})
    assert gone["prepare"] == ["output data/a is gone"]
    assert gone["train"] == ["prepare will run before it and may change its input data/**"]
    assert gone["report"] == []
    doubted = world.with_outputs(train={"why": [], "unsure": ["it has run again since"]})
    assert doubted == {"prepare": [], "train": ["it has run again since"], "report": []}


def test_a_step_that_failed_or_was_cut_will_run(world: World) -> None:
    world.all_passed()
    before = world.before["train"]
    assert before is not None
    before["passed"] = False
    assert world.foresee()["train"] == ["it never ran, or its last run did not pass"]


def test_the_order_counts_over_jobs_for_a_step_without_inputs(tmp_path: Path) -> None:
    world = World(tmp_path, [_step("one", outputs=["a"]), _step("two")])
    world.all_passed()
    assert world.foresee() == {"one": [], "two": []}
    before = world.before["one"]
    assert before is not None
    before["latest"] = "a later job one"
    assert world.foresee()["two"] == ["it declares no inputs and one ran before it"]
    (tmp_path / "one.py").write_text("print('other')\n")
    before["latest"] = "job one"
    assert world.foresee()["two"] == ["it declares no inputs and one will run before it"]


def test_writes_nothing(world: World) -> None:
    before = sorted(world.folder.iterdir())
    world.foresee()
    assert sorted(world.folder.iterdir()) == before


def test_large_files_that_are_not_sent_are_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runpod_trainer_worker.resume.foresight._LARGE", 3)
    (world.folder / "notes.csv").write_text("large\n")
    world.all_passed()
    assert world.foresee()["report"] == []
    (world.folder / "notes.csv").write_text("larger\n")
    assert world.foresee()["report"] == ["input notes.csv changed"]


def test_what_is_not_on_the_volume_as_it_was_left_is_not_called_skipped(world: World) -> None:
    world.all_passed()
    assert world.doubts() == {"prepare": [], "train": [], "report": []}
    assert world.doubts("train.py") == {"prepare": [], "train": ["train.py is another"], "report": []}
    follows = "prepare may run before it and may change its input data/**"
    assert world.doubts("raw.csv") == {"prepare": ["raw.csv is another"], "train": [follows], "report": []}
    gone = world.doubts("gone_module.py")
    assert gone == {name: ["gone_module.py is another"] for name in gone}
    assert world.doubts("README.md") == {"prepare": [], "train": [], "report": []}


def test_data_that_count_as_code_are_not_called_code(world: World) -> None:
    (world.folder / "extra.py").write_text("")
    world.all_passed()
    for known in world.before.values():
        assert known is not None
        known["parts"]["code"]["lists/p2.txt"] = "0"
    assert world.foresee()["report"] == ["file lists/p2.txt is gone"]
