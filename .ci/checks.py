"""Helpers of .ci/full that need more than bash. Python 3.11 or newer, standard library only.

Each command prints what it found and exits with 1 if something is wrong.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
from urllib.parse import unquote

MEBIBYTE = 1 << 20


def metadata(*options):
    command = ["cargo", "metadata", "--format-version", "1", *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def published():
    """The workspace's packages that are to be published, by name."""
    packages = metadata("--no-deps")["packages"]
    return sorted((p for p in packages if p["publish"] != []), key=lambda package: package["name"])


def version(text):
    """A version of Rust as numbers: "1.85" and "1.85.0" are equal."""
    numbers = [int(number) for number in text.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


def packages(_):
    """Prints the name of each package that is to be published."""
    print(*(package["name"] for package in published()), sep="\n")


def features(_):
    """Prints a line for each check of the feature matrix: the package, a tab, the features."""
    for package in published():
        for one in ["", *sorted(set(package["features"]) - {"default"})]:
            print(package["name"], one, sep="\t")


def msrv(_):
    """Prints package and `rust-version` of each package that supports an older Rust than the workspace does."""
    newest = max(version(package["rust_version"]) for package in published())
    for package in published():
        if version(package["rust_version"]) < newest:
            print(package["name"], package["rust_version"], sep="\t")


def msrv_dependencies(arguments):
    """Compares the `rust-version` of what a package needs to build, all features on, with its own."""
    known = {(p["name"], p["version"]): p["rust_version"] for p in metadata("--all-features")["packages"]}
    own = known[next(key for key in known if key[0] == arguments.package)]
    tree = ["cargo", "tree", "-p", arguments.package, "--all-features", "-e", "normal,build", "--prefix", "none", "-f", "{p}"]
    lines = subprocess.run(tree, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    needed = {tuple(line.replace(" v", " ", 1).split()[:2]) for line in lines if line}
    wrong = sorted((*key, known[key]) for key in needed if known[key] and version(known[key]) > version(own))
    for name, number, wanted in wrong:
        print(f"{arguments.package} supports Rust {own}, its dependency {name} {number} needs {wanted}")
    print(f"{arguments.package}: {len(needed)} packages in its graph, {len(wrong)} need a newer Rust than {own}")
    return not wrong


class Units:
    """What a cargo command compiles of other people's packages."""

    def __init__(self, *command):
        # The graph of units is not stable yet, but there is no other way to see them without compiling.
        command = ["cargo", *command, "--release", "--locked", "--unit-graph", "-Z", "unstable-options"]
        environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
        graph = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)
        self.units = graph["units"]
        self.packages = {unit["pkg_id"] for unit in self.units}
        digests = {}
        self.features = {}
        for index in range(len(self.units)):
            name, digest = self.name(index), self.digest(index, digests)
            self.features.setdefault(name, {})[digest] = self.units[index]["features"]

    def name(self, index):
        unit = self.units[index]
        return (unit["pkg_id"], unit["target"]["name"], unit["mode"], unit["profile"]["opt_level"])

    def digest(self, index, digests):
        """A digest of a unit with all its dependencies, as cargo makes one for the names of its files."""
        if index not in digests:
            unit = self.units[index]
            inner = sorted(self.digest(dependency["index"], digests) for dependency in unit["dependencies"])
            own = [self.name(index), unit["features"], unit["profile"], unit["target"]["crate_types"], inner]
            digests[index] = hashlib.sha256(json.dumps(own).encode()).hexdigest()
        return digests[index]


def unified(_):
    """Checks that `-p CRATE` finds the dependencies as a build of the workspace or of the quickstart has compiled them.

    That is so if the features are the same. It is asked of crates on burn, which takes minutes to compile.
    """
    wrong = False
    earlier = {"cargo build": Units("build"), "cargo test": Units("test"), "the quickstart": Units("build", "-p", "rere-examples", "--example", "quickstart")}
    for package in published():
        later = Units("build", "-p", package["name"])
        if not any("#burn@" in name for name in later.packages):
            continue
        for command, before in earlier.items():
            again = []
            for name, digests in later.features.items():
                known = before.features.get(name)
                # What is not known is new, such as clap after the quickstart.
                if name[0].startswith("registry+") and name[2] == "build" and known and not digests.keys() <= known.keys():
                    again.append((name, list(digests.values()), list(known.values())))
            print(f"cargo build -p {package['name']} after {command}: {len(again)} dependencies are compiled again")
            for name, now, then in again:
                # The others are compiled again because of these.
                for features in (features for features in now if features not in then):
                    differing = ", ".join(sorted(set(features) ^ set(then[0])))
                    print(f"  {name[0].split('#')[1]}: the features differ by {differing}")
            wrong |= bool(again)
    return not wrong


def manifests(_):
    """Checks that each manifest has what a registry shows."""
    wrong = 0
    for package in published():
        keys = ["description", "license", "keywords", "categories", "readme", "documentation", "rust_version"]
        errors = [f"no {key}" for key in keys if not package[key]]
        # Limits of crates.io.
        errors += [f"{len(package[key])} {key}, more than 5" for key in ("keywords", "categories") if len(package[key]) > 5]
        errors += [f"the keyword {word!r} is refused" for word in package["keywords"] if not re.fullmatch(r"[A-Za-z0-9][\w+-]{0,19}", word)]
        for dependency in package["dependencies"]:
            if dependency["kind"] != "dev" and dependency["req"] == "*":
                errors.append(f"the dependency {dependency['name']} has no version")
        print(f"{package['name']}: {', '.join(errors) or 'manifest is complete'}")
        wrong += len(errors)
    return not wrong


def archives(arguments):
    """Checks what each .crate archive holds, and unpacks it to a folder without the version in its name."""
    wrong = 0
    for package in published():
        name, stem = package["name"], f"{package['name']}-{package['version']}"
        path = arguments.archives / f"{stem}.crate"
        with tarfile.open(path) as archive:
            sizes = {member.name.removeprefix(stem + "/"): member.size for member in archive if member.isfile()}
            archive.extractall(arguments.out, filter="data")
        (arguments.out / stem).rename(arguments.out / name)
        errors = [f"no {file}" for file in ("README.md", "LICENSE") if file not in sizes]
        errors += [f"{file} has {size / MEBIBYTE:.1f} MiB" for file, size in sizes.items() if size > MEBIBYTE]
        print(f"{name}: {len(sizes)} files, {path.stat().st_size / 1024:.0f} KiB packed; {', '.join(errors) or 'complete'}")
        wrong += len(errors)
    return not wrong


def fences(text):
    """Fenced blocks of Markdown: first line, language, text, and the mark `<!-- ci: … -->` before them if there is one."""
    mark, opened = None, None
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"( *)(```+)\s*(\w*)", line)
        if opened:
            if fence and len(fence[2]) >= len(opened["fence"]) and not fence[3]:
                yield opened
                mark, opened = None, None
            else:
                opened["text"] += line.removeprefix(opened["indent"]) + "\n"
        elif fence:
            opened = {"line": number + 1, "language": fence[3], "text": "", "mark": mark, "fence": fence[2], "indent": fence[1]}
        elif comment := re.fullmatch(r"\s*<!-- ci: (.+?) -->\s*", line):
            mark = comment[1]
        elif line.strip() and not line.lstrip().startswith("<!--"):
            mark = None


def blocks(arguments):
    """Writes a page's ```sh blocks to one script, as a reader with one shell runs them.

    A mark in the line before a block changes that: `<!-- ci: skip -->` leaves the block out and lists it,
    `<!-- ci: file NAME -->` before a block of any language saves it as NAME at this point.
    """
    script = []
    for block in fences(arguments.page.read_text()):
        place, mark = f"{arguments.page.name}:{block['line']}", block["mark"] or ""
        if mark.startswith("file "):
            name, end = mark.removeprefix("file "), "END_OF_FILE_OF_CI"
            script += [f"# {place}", f"mkdir -p \"$(dirname '{name}')\"", f"cat >'{name}' <<'{end}'", block["text"] + end]
        elif mark == "skip":
            print(f"left out: {place}: {block['text'].splitlines()[0]}")
        elif mark:
            print(f"{place}: unknown mark {mark!r}; the marks are: skip, file NAME", file=sys.stderr)
            return False
        elif block["language"] in ("sh", "bash"):
            script += [f"# {place}", block["text"]]
    arguments.out.write_text("\n".join(script) + "\n")
    return True


def slug(heading):
    """The anchor that GitHub gives to a heading."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def without_code(text):
    text = re.sub(r"^( *)(```+).*?^\1\2 *$", "", text, flags=re.M | re.S)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def anchors(path):
    seen, found = {}, set()
    text = re.sub(r"^( *)(```+).*?^\1\2 *$", "", path.read_text(), flags=re.M | re.S)
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, flags=re.M):
        name = slug(heading)
        seen[name] = seen.get(name, -1) + 1
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
    return found | set(re.findall(r"<a (?:name|id)=\"([^\"]+)\"", text))


def links(_):
    """Checks that the relative links of all Markdown files lead to a file, and their anchors to a heading."""
    listing = ["git", "ls-files", "-co", "--exclude-standard", "*.md"]
    pages = [pathlib.Path(name) for name in subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True).stdout.split()]
    checked, wrong = 0, 0
    for page in (page for page in pages if page.is_file()):
        text = without_code(page.read_text())
        targets = re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", text)
        targets += re.findall(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", text, flags=re.M)
        targets += re.findall(r"\b(?:src|href|srcset)=\"([^\"]+)\"", text)
        for target in targets:
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            checked += 1
            name, _, anchor = unquote(target).partition("#")
            path = page.parent / name if name else page
            if not path.exists():
                reason = "no such file"
            elif anchor and path.suffix == ".md" and anchor not in anchors(path):
                reason = "no such heading"
            else:
                continue
            print(f"{page}: {target}: {reason}")
            wrong += 1
    print(f"{checked} relative links in {len(pages)} pages, {wrong} of them broken")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for function in (packages, features, msrv, msrv_dependencies, unified, manifests, archives, blocks, links):
        command = commands.add_parser(function.__name__.replace("_", "-"), help=function.__doc__)
        command.set_defaults(function=function)
        if function is msrv_dependencies:
            command.add_argument("package")
        if function is archives:
            command.add_argument("archives", type=pathlib.Path)
        if function is blocks:
            command.add_argument("page", type=pathlib.Path)
        if function in (archives, blocks):
            command.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    sys.exit(1 if arguments.function(arguments) is False else 0)


main()
