"""What pip itself makes of requirements files. Lines of JSON [root, file] become [root, file, what pip says or null].

The files are read as `pip install -r` reads them, with everything that they include; nothing is looked up or installed.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Optional

from pip._internal.commands.install import InstallCommand
from pip._internal.req.req_install import check_invalid_constraint_type
from pip._internal.utils.temp_dir import global_tempdir_manager


def said_by_pip(file: str) -> Optional[str]:
    command = InstallCommand("install", "")
    try:
        options, args = command.parse_args(["--no-index", "-r", file])
        session = command._build_session(options)
        finder = command._build_package_finder(options=options, session=session)
        for wanted in command.get_requirements(args, options, finder, session):
            if wanted.constraint and wanted.match_markers() and check_invalid_constraint_type(wanted):
                return check_invalid_constraint_type(wanted)
            link = wanted.link
            if link is not None and link.scheme == "file" and wanted.match_markers() and not os.path.exists(link.file_path):
                return f"{link.file_path} does not exist"
    except BaseException as problem:
        return f"{type(problem).__name__}: {problem}"[:300]
    return None


with global_tempdir_manager():
    for line in sys.stdin:
        root, name = json.loads(line)
        os.chdir(root)
        print(json.dumps([root, name, said_by_pip(name)]), flush=True)
