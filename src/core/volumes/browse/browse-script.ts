/**
 * Answers one question about files below a mount, or deletes or renames there, as JSON on standard input asks: a line of
 * JSON, then the content where that was asked for. Names that are not UTF-8 travel as surrogate escapes and come back as they went. A path
 * that leaves the mount through a link is refused. Any Python 3 can run it.
 */
export const browseScript = `
import hashlib, json, os, shutil, stat, sys

def fail(text):
    print(json.dumps({"error": text}))
    sys.exit(0)

def kind(mode):
    if stat.S_ISLNK(mode):
        return "link"
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"

ask = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
mount = os.path.realpath(ask["mount"])
place = os.path.join(mount, ask["path"]) if ask["path"] else mount
if os.path.realpath(place) != os.path.normpath(place) or os.path.commonpath([mount, os.path.normpath(place)]) != mount:
    fail("It is a link, or it lies outside of the volume.")
try:
    if ask["op"] == "list":
        found = []
        with os.scandir(place) as entries:
            for entry in entries:
                try:
                    info = entry.stat(follow_symlinks=False)
                    target = os.readlink(entry.path) if stat.S_ISLNK(info.st_mode) else None
                except OSError:
                    continue
                found.append({"name": entry.name, "kind": kind(info.st_mode), "size": info.st_size,
                              "modified": info.st_mtime, "target": target})
        found.sort(key=lambda e: (e["kind"] != "folder", e["name"]))
        shown = found[: ask["limit"]]
        print(json.dumps({"entries": shown, "more": len(found) - len(shown)}))
    elif ask["op"] == "stat":
        info = os.lstat(place)
        if kind(info.st_mode) not in ("file", "folder"):
            fail("It is neither a file nor a folder.")
        print(json.dumps({"size": info.st_size, "modified": info.st_mtime, "kind": kind(info.st_mode)}))
    elif ask["op"] in ("measure", "remove") and ask["path"]:
        info = os.lstat(place)
        files, size = 0, 0
        if stat.S_ISDIR(info.st_mode):
            for folder, _, names in os.walk(place):
                for name in names:
                    found = os.lstat(os.path.join(folder, name))
                    files, size = files + 1, size + (found.st_size if stat.S_ISREG(found.st_mode) else 0)
            if ask["op"] == "remove":
                shutil.rmtree(place)
        else:
            files, size = 1, info.st_size
            if ask["op"] == "remove":
                os.unlink(place)
        print(json.dumps({"files": files, "bytes": size}))
    elif ask["op"] == "place":
        digest = hashlib.sha256()
        with open(place, "rb") as content:
            for part in iter(lambda: content.read(1 << 20), b""):
                digest.update(part)
        if digest.hexdigest() != ask["sha256"]:
            os.unlink(place)
            fail("What arrived is not what was sent.")
        os.replace(place, os.path.join(os.path.dirname(place), ask["name"]))
        print(json.dumps({"files": 1, "bytes": os.path.getsize(os.path.join(os.path.dirname(place), ask["name"]))}))
    elif ask["op"] != "read":
        fail("The whole volume cannot be meant.")
    else:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        info = os.fstat(handle)
        if kind(info.st_mode) != "file":
            fail("It is not a file.")
        print(json.dumps({"size": info.st_size, "modified": info.st_mtime, "kind": "file"}), flush=True)
        left = info.st_size
        while info.st_size <= ask["cap"] and left > 0:
            part = os.read(handle, min(left, 1 << 20))
            if not part:
                break
            sys.stdout.buffer.write(part)
            left -= len(part)
        sys.stdout.buffer.flush()
except OSError as error:
    fail(error.strerror or str(error))
`;
