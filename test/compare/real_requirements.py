"""What pip itself makes of requirements files. Lines of JSON [root, file] become [root, file, what pip says or null].

The files are read as `pip install -r` reads them, with everything that they include; nothing is looked up or installed.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace
from typing import List, Optional, Set

from pip._internal.commands.install import InstallCommand
from pip._internal.models.link import Link
from pip._internal.operations.prepare import RequirementPreparer
from pip._internal.req.req_install import InstallRequirement, check_invalid_constraint_type
from pip._internal.utils.hashes import MissingHashes
from pip._internal.utils.temp_dir import global_tempdir_manager


def said_of_hashes(asked: List[InstallRequirement]) -> Optional[str]:
    """pip looks at hashes once it has found the archives; of several lines for a package the first counts."""
    seen: Set[str] = set()
    for wanted in asked:
        name = wanted.name or str(wanted.link)
        if wanted.constraint or not wanted.match_markers() or name in seen:
            continue
        seen.add(name)
        if wanted.editable:
            return f"{name} is editable"
        wanted.link = wanted.link or Link(f"https://index/{name}.whl")
        hashes = RequirementPreparer._get_linked_req_hashes(SimpleNamespace(require_hashes=True), wanted)
        if isinstance(hashes, MissingHashes):
            return f"{name} has no hash"
    return None


def said_by_pip(file: str) -> Optional[str]:
    command = InstallCommand("install", "")
    try:
        options, args = command.parse_args(["--no-index", "-r", file])
        session = command._build_session(options)
        finder = command._build_package_finder(options=options, session=session)
        asked = command.get_requirements(args, options, finder, session)
        for wanted in asked:
            if wanted.constraint and check_invalid_constraint_type(wanted):
                return check_invalid_constraint_type(wanted)
            link = wanted.link
            if link is not None and link.scheme == "file" and wanted.match_markers() and not os.path.exists(link.file_path):
                return f"{link.file_path} does not exist"
        if options.require_hashes:
            return said_of_hashes(asked)
    except BaseException as problem:
        return f"{type(problem).__name__}: {problem}"[:300]
    return None


with global_tempdir_manager():
    for line in sys.stdin:
        root, name = json.loads(line)
        os.chdir(root)
        print(json.dumps([root, name, said_by_pip(name)]), flush=True)
