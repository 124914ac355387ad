"""R4.6: what is said of a requirements file is what pip then does with it. The judge is pip itself, without a network."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, List

import pytest

from runpod_trainer_worker.sources.requirements import Requirements

#: Installs nothing and takes packages from one folder; one process for all, since pip takes long to start.
JUDGE = """
import json, os, sys
import pip._internal.commands.install, pip._internal.resolution.resolvelib.resolver
from pip._internal.cli.main import main
answers = {}
for name in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        out = os.open(os.devnull, os.O_WRONLY)
        os.dup2(out, 1); os.dup2(out, 2)
        os._exit(main(["install", "--dry-run", "--ignore-installed", "--no-index", "--find-links", "wheels",
                       "--no-build-isolation", "--disable-pip-version-check", "-q", "-r", name]))
    answers[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(answers))
"""


def wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> str:
    """Makes a package and answers its hash."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-{version}-{tag}.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def refuses(read: Requirements) -> bool:
    """Whether the check calls it an error."""
    lines = any(line.problem for line in read.lines) or any(one.sure for one in read.failing)
    return bool(lines or read.refused or read.conflicts)


def cases(root: Path) -> Dict[str, str]:
    """Files by what they are about."""
    alpha, beta = wheel(root / "wheels", "alpha", "1.0"), wheel(root / "wheels", "beta", "1.0")
    wheel(root / "wheels", "beta", "2.0")
    one, two = f"alpha==1.0 --hash=sha256:{alpha}", f"beta==1.0 --hash=sha256:{beta}"
    at = f"{root}/wheels/alpha-1.0-py3-none-any.whl"
    (root / "pkg").mkdir()
    (root / "pkg" / "pyproject.toml").write_text('[project]\nname = "pkg"\nversion = "1"\n')
    constraints = {
        "pins": f"alpha==1.0 --hash=sha256:{alpha}\n",
        "extras": "alpha[x]==1.0\n",
        "extras-here": "alpha[x]==1.0; python_version > '3'\n",
        "extras-nowhere": "alpha[x]==1.0; python_version < '3'\n",
        "editable": "-e ./pkg\n",
        "place": "./pkg\n",
        "plain": "alpha==1.0\nbeta<2\n",
        "address": f"alpha @ file://{at}\n",
    }
    for name, text in constraints.items():
        (root / f"c-{name}.txt").write_text(text)
    found = {
        "plain": "alpha==1.0\nbeta\n",
        "all hashed": f"{one}\n{two}\n",
        "hashes asked for": "--require-hashes\nalpha==1.0\n",
        "hashes asked for in an included file": "-r inc.txt\nalpha==1.0\n",
        "one hashed": f"{one}\nbeta==1.0\n",
        "one hashed before": f"beta==1.0\n{one}\n",
        "hash without a pin": f"alpha>=1.0 --hash=sha256:{alpha}\n",
        "hash with a wildcard": f"alpha==1.* --hash=sha256:{alpha}\n",
        "hash with a pin and more": f"alpha==1.0,<2 --hash=sha256:{alpha}\n",
        "hash of another length": "alpha==1.0 --hash=sha256:00\n",
        "hash of another length beside a right one": f"{one} --hash=sha256:00\n",
        "hash of a weak kind": f"alpha==1.0 --hash=md5:{'0' * 32}\n",
        "hash without its kind": f"alpha==1.0 --hash={'0' * 32}\n",
        "hash in a constraint alone": "alpha\n-c c-pins.txt\n",
        "pin here, hash in a constraint": "alpha==1.0\n-c c-pins.txt\n",
        "unhashed where it does not count": f"{one}\nbeta==1.0 ; sys_platform == 'win32'\n",
        "the same again without": f"{one}\nalpha\n",
        "the same before without": f"alpha\n{one}\n",
        "a wheel of this disk without": f"{one}\n./wheels/beta-1.0-py3-none-any.whl\n",
        "a wheel of this disk with": f"./wheels/alpha-1.0-py3-none-any.whl --hash=sha256:{alpha}\n",
        "a hash in the address": f"--require-hashes\nalpha @ file://{at}#sha256={alpha}\n",
        "a folder among hashes": f"{one}\n./pkg\n",
        "an editable folder among hashes": f"{one}\n-e ./pkg\n",
        "a repository among hashes": f"{one}\nx @ git+https://127.0.0.1:1/x\n",
        "another name": f"other @ file://{at}\n",
        "its name": f"Alpha @ file://{at}\n",
        "an address and another version": f"alpha @ file://{at}\nalpha==2.0\n",
        "an address and its version": f"alpha @ file://{at}\nalpha==1.0\n",
        "an address, its letters by number": f"alpha @ file://{at.replace('alpha', '%61lpha')}\n",
        "a file that is not there": "x @ file:///no/x-1.0-py3-none-any.whl\n",
        "an unknown option": "alpha==1.0 --foo=bar\n",
        "an option of old": "alpha==1.0 --install-option=x\n",
        "an option of its own line": "alpha==1.0 --no-index\n",
        "a setting": "alpha==1.0 --config-settings a=b\n",
        "an option of the command": "--user\nalpha\n",
        "constraint with extras": "alpha\n-c c-extras.txt\n",
        "constraint with extras that counts": "alpha\n-c c-extras-here.txt\n",
        "constraint with extras that counts nowhere": "alpha\n-c c-extras-nowhere.txt\n",
        "constraint with extras of another": "beta\n-c c-extras.txt\n",
        "constraint that is editable": "alpha\n-c c-editable.txt\n",
        "constraint that is a place": "alpha\n-c c-place.txt\n",
        "constraint that fits": "alpha\nbeta\n-c c-plain.txt\n",
        "constraint that does not fit": "beta==2.0\n-c c-plain.txt\n",
        "constraint that is an address": "alpha\n-c c-address.txt\n",
        "one sign": "alpha=1.0\n",
        "a name of two words": "al pha\n",
        "a magic": "%pip install alpha\n",
        "a place by a name": "pkg @ ./pkg\n",
        "an extra that it has": "alpha[x]==1.0\n",
        "in brackets": "alpha (==1.0)\n",
    }
    (root / "inc.txt").write_text("--require-hashes\n")
    tags = ["cp311-cp311-win_amd64", "cp27-cp27mu-manylinux1_x86_64", "cp311-cp311-macosx_11_0_arm64", "py2-none-any"]
    tags += ["cp311-cp311-manylinux2014_aarch64", "cp37-abi3-manylinux2014_x86_64", "py2.py3-none-any"]
    for tag in tags:
        wheel(root / "other", "gamma", "1.0", tag)
        found[f"a wheel of {tag}"] = f"./other/gamma-1.0-{tag}.whl\n"
        found[f"a wheel of {tag} by name"] = f"gamma @ file://{root}/other/gamma-1.0-{tag}.whl\n"
    return found


@pytest.mark.timeout(300)
def test_what_is_refused_fails_and_what_is_not_is_installed(tmp_path: Path) -> None:
    texts = cases(tmp_path)
    files = {f"r{number}.txt": name for number, name in enumerate(texts)}
    for file, name in files.items():
        (tmp_path / file).write_text(texts[name])
    argv = [sys.executable, "-c", JUDGE]
    done = subprocess.run(argv, input=json.dumps(list(files)), capture_output=True, text=True, check=True, cwd=tmp_path)
    real: Dict[str, int] = json.loads(done.stdout)
    ours = {name: refuses(Requirements(str(tmp_path), file)) for file, name in files.items()}
    theirs = {name: real[file] != 0 for file, name in files.items()}
    missed: List[Any] = [name for name in texts if theirs[name] and not ours[name]]
    false: List[Any] = [name for name in texts if ours[name] and not theirs[name]]
    # That a file of the disk is not there is told with the places.
    assert missed == ["a file that is not there"] and false == []
    assert sum(theirs.values()) >= 25 and len(texts) - sum(theirs.values()) >= 15


def test_a_wheel_is_no_error_where_some_pod_could_have_its_python(tmp_path: Path) -> None:
    lines = {
        "https://x.org/a-1.0-cp39-cp39-manylinux_2_28_x86_64.whl": False,
        "https://x.org/a-1.0-cp313-cp313-linux_x86_64.whl#sha256=00": False,
        "https://x.org/a-1.0-cp312-cp312-musllinux_1_2_x86_64.whl": False,
        "a @ https://x.org/a-1.0%2Bcu121-cp311-cp311-linux_x86_64.whl?x=1": False,
        "https://x.org/a-1.0-cp36-cp36m-manylinux1_x86_64.whl": True,
        "https://x.org/a-1.0-cp311-cp311-win_amd64.whl": True,
        "https://x.org/a-1.0-cp311-cp311-win_amd64.whl ; sys_platform == 'win32'": False,
    }
    for line, is_refused in lines.items():
        (tmp_path / "r.txt").write_text(f"{line}\n")
        assert refuses(Requirements(str(tmp_path), "r.txt")) == is_refused, line
