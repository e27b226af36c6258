#!/usr/bin/python3
"""Runs one hook of a plugin that was written for mock.

Usage, as a command of rpmkit's option `hooks`:  mock-plugin.py PLUGIN.py [KEY=VALUE]...

The JSON object of the hook comes on standard input. KEY=VALUE are the plugin's own options, on top of those
that `plugin_conf` has for it.
"""

import functools
import importlib.util
import json
import logging
import os
import subprocess
import sys
import types


def _shim(name, **members):
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def trace_log(*_args, **_kwargs):
    """mock's decorator, which does nothing here."""
    return lambda function: function


def do_with_status(command, shell=False, cwd=None, env=None, raiseExc=True, returnOutput=False, **_kwargs):
    """Runs a program of the host, as mockbuild.util does."""
    done = subprocess.run(command, shell=shell, cwd=cwd, env=env, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not returnOutput and done.stdout:
        print(done.stdout, end="")
    if raiseExc and done.returncode:
        raise RuntimeError(f"Command failed: {command}\n{done.stdout}")
    return done.stdout, done.returncode


class State:
    """mock's state log, as lines of root.log."""
    result = "unknown"

    @staticmethod
    def start(what):
        print(f"Start: {what}")

    @staticmethod
    def finish(what):
        print(f"Finish: {what}")


class UidManager:
    """Hooks run as the caller already."""
    def __enter__(self):
        return self

    def __exit__(self, *_args):
        return False

    def __getattr__(self, _name):
        return lambda *_args, **_kwargs: None


class Buildroot:
    """What plugins ask of mock's object of this name."""
    is_bootstrap = False
    bootstrap_buildroot = None

    def __init__(self, call):
        self.config = dict(call["config"])
        self.config.setdefault("plugin_conf", {})
        self.shared_root_name = call["root"]
        self.rootdir = call["rootdir"]
        self.resultdir = call["details"].get("resultdir", call["resultdir"]) \
            if isinstance(call["details"], dict) else call["resultdir"]
        self.homedir = call["home"]
        self.builddir = os.path.join(self.homedir, "build")
        self.cachedir = os.path.join(call["cache_topdir"], call["root"])
        self.basedir = os.path.dirname(self.rootdir)
        self.chrootuid, self.chrootgid = call["uid"], call["gid"]
        self.chrootuser = self.config.get("chrootuser", "mockbuild")
        self.env = dict(self.config.get("environment", {}))
        self.preexisting_deps = []
        self.final_rpm_list = None
        self.state = State()
        self.state.result = (call["details"] or {}).get("result", "unknown")
        self.uid_manager = UidManager()
        self.root_log = logging.getLogger("mockbuild")
        self.build_log = logging.getLogger("mockbuild.Root.build")
        self._chroot = call["chroot"]

    def make_chroot_path(self, *paths):
        return os.path.join(self.rootdir, *(path.lstrip("/") for path in paths))

    def doChroot(self, command, shell=False, cwd=None, uid=0, **kwargs):
        words = ["mock", "-q", "-r", self._chroot, "--no-clean"]
        words += ["--cwd", cwd] if cwd else []
        words += ["--unpriv"] if uid else []
        words += ["--chroot", "--"] + ([command] if isinstance(command, str) else list(command))
        return do_with_status(words, **kwargs)

    def create_resultdir(self):
        os.makedirs(self.resultdir, exist_ok=True)

    def install_as_root(self, *packages):
        do_with_status(["mock", "-q", "-r", self._chroot, "--no-clean", "--install", *packages])


class Plugins:
    """Keeps what a plugin registers."""
    def __init__(self):
        self.hooks = {}

    def add_hook(self, stage, function):
        self.hooks.setdefault(stage, []).append(function)


def arguments(call):
    """What mock hands to a hook besides itself."""
    details = call["details"] if isinstance(call["details"], dict) else {}
    if call["hook"] == "pre_srpm_build":
        root = call["rootdir"]
        sources = details.get("sources") and os.path.join(root, call["home"].lstrip("/"), "build/SOURCES")
        return [os.path.join(root, details["spec"].lstrip("/")), sources]
    return [details["name"]] if "name" in details else []


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    call = json.load(sys.stdin)
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG, format="%(levelname)s: %(message)s")
    get_log = functools.partial(logging.getLogger, "mockbuild")
    util = _shim("mockbuild.util", do_with_status=do_with_status, USE_NSPAWN=False,
                 do=lambda *args, **kwargs: do_with_status(*args, **kwargs)[0])
    files = _shim("mockbuild.file_util", mkdirIfAbsent=functools.partial(os.makedirs, exist_ok=True))
    trace = _shim("mockbuild.trace_decorator", getLog=lambda *_args: get_log(), traceLog=trace_log)
    errors = {name: type(name, (Exception,), {}) for name in ("Error", "PkgError", "ConfigError", "RootError", "BuildError")}
    exception = _shim("mockbuild.exception", **errors)
    _shim("mockbuild", util=util, file_util=files, trace_decorator=trace, exception=exception)

    path = sys.argv[1]
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if getattr(module, "requires_api_version", None) != "1.1":
        sys.exit(f"{path}: requires_api_version is not 1.1")
    buildroot, plugins = Buildroot(call), Plugins()
    options = dict(buildroot.config["plugin_conf"].get(f"{name}_opts", {}))
    options.update(word.partition("=")[::2] for word in sys.argv[2:])
    module.init(plugins, options, buildroot)
    for function in plugins.hooks.get(call["hook"], []):
        function(*arguments(call))


if __name__ == "__main__":
    main()
