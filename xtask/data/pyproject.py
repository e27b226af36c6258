"""The pyproject macros' work: build requirements, wheel, install, file list, import check.

A build requirement that is not there yet ends the run early and successfully: rpmbuild installs what has been
printed so far and asks again.
"""

import csv
import importlib
import importlib.metadata
import os
import sys
import tempfile
import tomllib
from pathlib import Path


def project():
    """The `build-system` table with its defaults, and the whole file."""
    data = {}
    if os.path.exists("pyproject.toml"):
        with open("pyproject.toml", "rb") as file:
            data = tomllib.load(file)
    system = data.get("build-system", {})
    system.setdefault("requires", ["setuptools >= 40.8", "wheel"])
    system.setdefault("build-backend", "setuptools.build_meta:__legacy__")
    return system


def backend(system):
    """Imports the build backend, from the tree itself if it says so."""
    sys.path[:0] = [os.path.abspath(path) for path in system.get("backend-path", [])]
    # The legacy backend of setuptools expects the tree on the path.
    if system["build-backend"].endswith(":__legacy__"):
        sys.path.insert(0, os.getcwd())
    module, _, attribute = system["build-backend"].partition(":")
    found = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        found = getattr(found, part)
    return found


def rpm_names(requirement):
    """One requirement in rpm's words."""
    name = "python3dist(%s%s)" % (
        __import__("re").sub(r"[-_.]+", "-", requirement.name).lower(),
        "[%s]" % ",".join(sorted(requirement.extras)) if requirement.extras else "",
    )
    # Extras are not packaged here: the plain name carries them.
    name = name.split("[")[0].rstrip(")") + ")"
    bounds = []
    for spec in sorted(requirement.specifier, key=str):
        version = spec.version.removesuffix(".*")
        if spec.operator in (">=", "<=", "<", ">"):
            bounds.append("%s %s %s" % (name, spec.operator, version))
        elif spec.operator in ("==", "===") and spec.version.endswith(".*"):
            bounds += ["%s >= %s" % (name, version), "%s < %s" % (name, successor(version))]
        elif spec.operator in ("==", "==="):
            bounds.append("%s = %s" % (name, version))
        elif spec.operator == "~=":
            bounds.append("%s >= %s" % (name, version))
            bounds.append("%s < %s" % (name, successor(version.rpartition(".")[0])))
        elif spec.operator == "!=":
            bounds.append("(%s < %s or %s > %s)" % (name, version, name, version))
    if len(bounds) > 1:
        return "(" + " with ".join(bounds) + ")"
    return bounds[0] if bounds else name


def successor(version):
    head, _, last = version.rpartition(".")
    return (head + "." if head else "") + str(int(last) + 1)


class Missing(Exception):
    """Something asked for is not installed yet."""


def ask(texts, extras=("",)):
    """Prints what applies of `texts`; tells afterwards whether all of it is installed."""
    from packaging.requirements import Requirement

    missing = []
    for text in texts:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        print(rpm_names(requirement))
        try:
            there = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(text)
            continue
        if not requirement.specifier.contains(there, prereleases=True):
            missing.append("%s (%s is installed)" % (text, there))
    sys.stdout.flush()
    if missing:
        raise Missing(", ".join(missing))


def quietly(function, *arguments):
    """Calls the backend with its chatter on stderr: stdout belongs to rpmbuild."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        return function(*arguments)
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def buildrequires(arguments):
    runtime = "-R" not in arguments
    extras = [""]
    if "-x" in arguments:
        extras += arguments[arguments.index("-x") + 1].split(",")
    try:
        print("python3dist(packaging)")
        print("python3dist(installer)")
        system = project()
        try:
            ask(system["requires"])
            hooks = quietly(backend, system)
        except ImportError as error:
            raise Missing(str(error)) from error
        more = getattr(hooks, "get_requires_for_build_wheel", None)
        if more:
            ask(quietly(more, None))
        if runtime:
            ask(metadata_requires(hooks), extras)
    except Missing as error:
        print("not there yet: %s" % error, file=sys.stderr)


def metadata_requires(hooks):
    from email import message_from_bytes

    with tempfile.TemporaryDirectory() as place:
        prepare = getattr(hooks, "prepare_metadata_for_build_wheel", None)
        if prepare:
            path = Path(place, quietly(prepare, place, None), "METADATA")
            text = path.read_bytes()
        else:
            from zipfile import ZipFile

            wheel = quietly(hooks.build_wheel, place, None)
            with ZipFile(Path(place, wheel)) as archive:
                inside = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
                text = archive.read(inside)
    return message_from_bytes(text).get_all("Requires-Dist") or []


def wheel(arguments):
    system = project()
    print("built", backend(system).build_wheel(arguments[0], None))


def install(arguments):
    from installer import install as put
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    wheels, root, sitelib = arguments
    for path in sorted(Path(wheels).glob("*.whl")):
        with WheelFile.open(path) as source:
            scheme = {
                "purelib": sitelib,
                "platlib": sitelib,
                "scripts": "/usr/bin",
                "data": "/usr",
                "headers": "/usr/include/python3/" + source.distribution,
            }
            put(
                source,
                SchemeDictionaryDestination(scheme, "/usr/bin/python3", "posix", destdir=root),
                {"INSTALLER": b"rpm\n"},
            )
        print("installed", path.name)


def files(arguments):
    root, sitelib, listing, *globs = arguments
    site = Path(root + sitelib)
    lines, tops = [], set()
    for info in sorted(site.glob("*.dist-info")):
        lines.append("%dir " + sitelib + "/" + info.name)
        lines += [sitelib + "/" + str(path.relative_to(site)) for path in sorted(info.rglob("*")) if path.is_file()]
        with open(info / "RECORD", newline="") as record:
            tops |= {row[0].split("/")[0] for row in csv.reader(record) if row and not row[0].startswith("..")}
    tops = {top for top in tops if not top.endswith(".dist-info")}
    for glob in globs:
        wanted = {top for top in tops if Path(top).match(glob) or Path(Path(top).stem).match(glob)}
        if not wanted and not glob.startswith("+"):
            sys.exit("no installed module matches %s" % glob)
        lines += [sitelib + "/" + top for top in sorted(wanted)]
    Path(listing).write_text("\n".join(lines) + "\n")


def check_import(arguments):
    sys.path.insert(0, os.environ["PYTHONPATH"])
    for line in Path(arguments[0]).read_text().splitlines():
        name = Path(line.split()[-1]).name
        if ".dist-info" not in line and (name.endswith(".py") or "." not in name):
            importlib.import_module(name.removesuffix(".py"))
            print("imported", name)


COMMANDS = {
    "buildrequires": buildrequires,
    "wheel": wheel,
    "install": install,
    "files": files,
    "import": check_import,
}
COMMANDS[sys.argv[1]](sys.argv[2:])
