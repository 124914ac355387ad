/**
 * Reads Python sources on this machine without running any of them. Standard input: `{root, patterns, entries}`;
 * standard output: one JSON object. Runs isolated, so that nothing in the project's folder is imported by accident;
 * the folders of the user's own packages are added afterwards, for the question what local steps could import.
 */
export const pythonProgram = String.raw`
import ast, importlib.util, json, os, re, site, sys
job = json.load(sys.stdin)
root, entries = job["root"], job["entries"]
private_url = re.compile(job["privateUrl"], re.I)
home = job["home"]
most_files = 3000

def fold_optional(handler):
    names = [n.attr if isinstance(n, ast.Attribute) else getattr(n, "id", "") for n in
             (handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type])]
    return handler.type is None or any(n in ("ImportError", "ModuleNotFoundError", "Exception", "BaseException") for n in names)

class Reader(ast.NodeVisitor):
    def __init__(self):
        self.imports, self.strings, self.waits, self.optional, self.changes_path = [], [], [], 0, False
    def visit_Try(self, node):
        soft = any(fold_optional(h) for h in node.handlers)
        self.optional += soft
        for child in node.body: self.visit(child)
        self.optional -= soft
        for child in node.handlers + node.orelse + node.finalbody: self.visit(child)
    def visit_If(self, node):
        name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        self.optional += name == "TYPE_CHECKING"
        for child in node.body: self.visit(child)
        self.optional -= name == "TYPE_CHECKING"
        self.visit(node.test)
        for child in node.orelse: self.visit(child)
    def visit_Import(self, node):
        for alias in node.names: self.imports.append((0, alias.name, [], node.lineno, self.optional > 0))
    def visit_ImportFrom(self, node):
        self.imports.append((node.level, node.module or "", [a.name for a in node.names], node.lineno, self.optional > 0))
    def visit_Expr(self, node):
        # A string that stands alone is documentation.
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)): self.generic_visit(node)
    def visit_Attribute(self, node):
        if node.attr == "path" and getattr(node.value, "id", "") == "sys": self.changes_path = True
        self.generic_visit(node)
    def visit_Call(self, node):
        if getattr(node.func, "id", "") == "input": self.waits.append(node.lineno)
        self.generic_visit(node)
    def visit_Constant(self, node):
        if isinstance(node.value, str) and len(node.value) < 4000:
            found = private_url.search(node.value)
            if found: self.strings.append(("address", found.group(0)[:200], node.lineno))
            elif home and len(home) > 3 and node.value.startswith(home + "/"): self.strings.append(("home", node.value[:200], node.lineno))

parsed, errors = {}, {}
def parse(name, source):
    if name in parsed: return parsed[name]
    reader = Reader()
    try:
        if source is None:
            with open(os.path.join(root, name), "rb") as f: source = f.read(4 << 20)
        tree = compile(source, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        reader.visit(tree)
    except SyntaxError as e: errors[name] = {"line": e.lineno or 0, "text": e.msg or "invalid syntax"}
    except (ValueError, RecursionError, MemoryError, OSError) as e: errors[name] = {"line": 0, "text": str(e)}
    parsed[name] = reader
    return reader

exists = {}
def is_file(path):
    if path not in exists: exists[path] = os.path.isfile(os.path.join(root, path))
    return exists[path]
def join(*parts): return "/".join(p for p in parts if p)

def own(dirs, module):
    """Files of a module in the project, and whether its first name is a package of the project at all."""
    parts = module.split(".")
    for d in dirs:
        top = join(d, parts[0])
        if is_file(top + ".py") or is_file(top + "/__init__.py"): break
        if len(parts) > 1 and os.path.isdir(os.path.join(root, top, *parts[1:-1])) and (
            is_file(join(top, *parts[1:]) + ".py") or is_file(join(top, *parts[1:], "__init__.py"))): break
    else: return None
    files, path = [], d
    for i, part in enumerate(parts):
        path = join(path, part)
        last = i == len(parts) - 1
        if is_file(path + "/__init__.py"): files.append(path + "/__init__.py")
        elif last and is_file(path + ".py"): files.append(path + ".py")
        elif i == 0 and is_file(path + ".py"): return files + [path + ".py"] if last else False
        elif not os.path.isdir(os.path.join(root, path)): return False
    return files

results = {}
for entry in entries:
    dirs, seen, outside, missing, alias, waits = entry["dirs"], [], {}, [], {}, []
    queue = [(u["name"], u.get("source")) for u in entry["units"]]
    first = {name for name, _ in queue}
    while queue and len(seen) < most_files:
        name, source = queue.pop(0)
        if name in seen: continue
        seen.append(name)
        reader = parse(name, source)
        waits += [[name, line] for line in reader.waits]
        for level, module, names, line, optional in reader.imports:
            if level:
                if name in first and entry["kind"] != "module":
                    if not optional: missing.append(["." * level + module, name, line])
                    continue
                folder = os.path.dirname(name)
                for _ in range(level - 1): folder = os.path.dirname(folder)
                base, search = module, [folder]
            else: base, search = module, dirs
            if base:
                files = own(search, base)
                if files is None:
                    if level and not optional: missing.append(["." * level + module, name, line])
                    elif not optional: outside.setdefault(base.split(".")[0], [name, line, reader.changes_path])
                    continue
                if files is False:
                    if not optional: missing.append(["." * level + module, name, line])
                    continue
                queue += [(f, None) for f in files]
            for n in names:
                found = own(search, base + "." + n if base else n)
                if found: queue += [(f, None) for f in found]
    results[entry["id"]] = {"files": seen, "outside": outside, "missing": missing, "waits": waits}

stdlib = set(getattr(sys, "stdlib_module_names", ())) | set(sys.builtin_module_names) | {"__future__", "__main__"}
if os.path.isdir(site.getusersitepackages()): site.addsitedir(site.getusersitepackages())
sys.path += job["pythonPath"]
here = {}
def importable(name):
    try: return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError): return name in sys.modules
for result in results.values():
    for name in list(result["outside"]):
        if name in stdlib: del result["outside"][name]
        elif name not in here: here[name] = importable(name)
json.dump({"version": list(sys.version_info[:2]), "errors": errors, "entries": results, "importable": here,
           "strings": [[n, *s] for n, r in parsed.items() for s in r.strings]}, sys.stdout)
`;
