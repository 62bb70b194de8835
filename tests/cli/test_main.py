"""The command line as a whole: help, exit codes, pipes, and how little it loads to start."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import gws_replay
from gws_replay import cli
from gws_replay.core.cassette import Cassette
from gws_replay.errors import CassetteError, GwsReplayError
from tests.support.builders import exchange
from tests.support.commands import saved

CASSETTES = Path(__file__).parent.parent.parent / "cassettes"
SCRIPT = Path(sys.executable).parent / "gws-replay"
MODULE = [sys.executable, "-m", "gws_replay"]
COMMANDS = sorted(cli._COMMANDS)


def command(name: str) -> click.Command:
    """Load a command."""
    found = cli.group.get_command(click.Context(cli.group), name)
    assert found is not None
    return found


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The module as a process."""
    return subprocess.run([*MODULE, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload,no-any-return]


def words(text: str) -> list[str]:
    """The words of a text that carry its meaning, the first verb first."""
    return [word.lower() for word in re.findall(r"\w+", text) if len(word) > 2]


def test_every_file_of_a_command_is_a_command() -> None:
    """The files of the folder are exactly the commands that `--help` lists, and each can be loaded."""
    files = {path.stem for path in Path(cli.__file__).parent.glob("commands/*.py")} - {"__init__"}
    assert files == set(COMMANDS)
    assert COMMANDS == cli.group.list_commands(click.Context(cli.group))


def test_help_lists_every_command_with_its_sentence() -> None:
    """The list is written by hand, so that help imports no command; it must name all of them."""
    shown = " ".join(CliRunner().invoke(cli.group, ["--help"]).output.split())
    for name, sentence in cli._COMMANDS.items():
        assert f"{name} {sentence}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_list_and_help_of_a_command_agree(name: str) -> None:
    """Both sentences begin with the same verb, and the command's help has most words of the list's sentence."""
    text = command(name).help or ""
    listed, first = cli._COMMANDS[name], " ".join(text.split("\n\n")[0].split())
    assert words(listed)[0] == words(first)[0]
    assert len(words(listed)) <= 2 * len(set(words(listed)) & set(words(text)))
    assert (True, True) == (listed.endswith("."), first.endswith("."))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_command_has_help(name: str) -> None:
    """Each option has help, each command has -h and --help."""
    loaded = command(name)
    options = [param for param in loaded.params if isinstance(param, click.Option)]
    assert [] == [option.name for option in options if not (option.help or "").strip()]
    for flag in ("-h", "--help"):
        shown = CliRunner().invoke(cli.group, [name, flag])
        assert (0, True) == (shown.exit_code, shown.output.startswith("Usage: "))
        assert "\\b" not in shown.output  # a character that click reads as a mark


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "addon"])
def test_every_command_has_the_common_options(name: str) -> None:
    """--json, -q and -v work in each command that reports."""
    found = command(name)
    for each in found.commands.values() if isinstance(found, click.Group) else [found]:
        flags = {flag for param in each.params for flag in param.opts}
        assert {"--json", "-q", "--quiet", "-v", "--verbose"} <= flags


def test_version() -> None:
    """The version of the package, from the script and from the module."""
    assert f"gws-replay, version {gws_replay.__version__}\n" == run("--version").stdout
    done = subprocess.run([SCRIPT, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert f"gws-replay, version {gws_replay.__version__}\n" == done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "There is no command 'nonsense'"),
        (("--nonsense",), "No such option"),
        (("verify",), "Missing argument 'PATH...'"),
        (("convert", "a.flow", "b.yaml", "--redact", "some"), "'some' is not one of 'all', 'secrets', 'none'"),
        (("show", "missing.yaml"), "Error: cannot read missing.yaml: No such file or directory"),
    ],
    ids=["command", "option", "argument", "choice", "file"],
)
def test_wrong_usage_is_a_sentence_with_exit_code_2(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """On stderr, without a traceback, and stdout stays empty."""
    done = run(*arguments, cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_shows_the_help() -> None:
    """Without a command, the list of commands is printed."""
    done = run()
    assert "Commands:" in done.stdout + done.stderr
    assert 2 == done.returncode


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (click.Abort(), 130, "Stopped."),
        (GwsReplayError("mine"), 2, "Error: mine"),
        (GwsReplayError("mine", exit_code=4), 4, "Error: mine"),
        (CassetteError("torn"), 2, "Error: torn"),
        (click.UsageError("wrong"), 2, "Error: wrong"),
    ],
    ids=["Ctrl-C", "abort", "error", "error with a code", "cassette", "usage"],
)
def test_errors_have_their_exit_codes(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every error that a user can cause is one sentence, with its exit code."""

    @click.command()
    def stub() -> None:
        raise error

    monkeypatch.setattr(cli.group, "get_command", lambda ctx, name: stub)
    monkeypatch.setattr(sys, "argv", ["gws-replay", "stub"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert (code, "", message) == (ended.value.code, out, err.strip().splitlines()[-1])
    assert "Traceback" not in err


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (3, 3)])
def test_return_value_of_a_command_is_the_exit_code(
    result: int | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is success; a number is passed through."""
    monkeypatch.setattr(cli.group, "get_command", lambda ctx, name: click.Command("stub", callback=lambda: result))
    monkeypatch.setattr(sys, "argv", ["gws-replay", "stub"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert code == ended.value.code


def test_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception of a bug is not turned into a user error."""
    broken = click.Command("stub", callback=lambda: os.environ["NO_SUCH_VARIABLE"])
    monkeypatch.setattr(cli.group, "get_command", lambda ctx, name: broken)
    monkeypatch.setattr(sys, "argv", ["gws-replay", "stub"])
    with pytest.raises(KeyError, match="NO_SUCH_VARIABLE"):
        cli.main()


def test_closed_pipe_ends_without_a_traceback(tmp_path: Path) -> None:
    """`gws-replay show ... | head -1` exits without a message, though the output is larger than a pipe holds."""
    many = Cassette(
        interactions=tuple(exchange(path=f"/api/v2/me/{n}", began=float(n)) for n in range(4000)), header={"format": 1}
    )
    path = saved(many, tmp_path / "many.yaml")
    with subprocess.Popen(
        [*MODULE, "show", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(str(path))
        process.stdout.close()
        message = process.stderr.read()
        process.wait(60)
    assert ("", 1) == (message, process.returncode)


LOADED = """
import sys
sys.argv = ["gws-replay", *sys.argv[1:]]
from gws_replay.cli import main
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("--help",), set()),
        (("--version",), set()),
        (("verify", "--help"), {"yaml"}),
        (("show", "--help"), {"yaml"}),
        (("convert", "--help"), {"yaml"}),
    ],
    ids=" ".join,
)
def test_help_imports_little(arguments: tuple[str, ...], allowed: set[str]) -> None:
    """The heavy libraries are imported only when a command needs them."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {"aiohttp", "asyncio", "deepdiff", "mitmproxy", "pytest", "requests", "unittest", "urllib3", "vcr", "yaml"}
    assert set() == (heavy - allowed) & set(done.stderr.split())
    assert "click" in done.stderr.split()


def test_operating_system_error_is_one_sentence(tmp_path: Path) -> None:
    """A full disk behind stdout; a folder that may not be read."""
    command = [*MODULE, "show", str(CASSETTES / "update.yaml")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (2, "Error: No space left on device\n") == (done.returncode, done.stderr)
    folder = str(tmp_path / ("x" * 300) / "c.yaml.journal")
    done = run("recover", folder)
    assert (2, f"Error: {folder}: File name too long\n") == (done.returncode, done.stderr)


OURS = """
import sys
before = set(sys.modules)
{load}
new = set(sys.modules) - before
third = {{name.partition(".")[0] for name in new}} - set(sys.stdlib_module_names) - {{"gws_replay"}}
print(*sorted(third), "/", *sorted(name for name in new if name.startswith("gws_replay.")))
"""
HELP = """
import contextlib, io
from gws_replay.cli import group
with contextlib.redirect_stdout(io.StringIO()):
    group.main(["--help"], standalone_mode=False)
"""
PLUGINS = ("pytest_plugin", *(f"pytest_plugin.{name}" for name in ("explore_option", "summary", "unused_option")))
DECLARING = (
    *("errors", "storage", "storage.names"),
    *(f"pytest_plugin.{name}" for name in ("marker", "record_mode", "stash", "tracebacks", "use_cassette")),
)


@pytest.mark.parametrize(
    ("load", "third", "ours"),
    [
        ("import gws_replay", (), ()),
        (HELP, ("click",), ("cli", "errors")),
        (
            f"import pytest; before |= set(sys.modules); import {', '.join(f'gws_replay.{name}' for name in PLUGINS)}",
            (),
            (*DECLARING, *PLUGINS),
        ),
    ],
    ids=["import", "--help", "plugin"],
)
def test_start_imports_exactly_these_modules(load: str, third: tuple[str, ...], ours: tuple[str, ...]) -> None:
    """The whole list, so that a new one is noticed: each module makes every start slower."""
    done = subprocess.run(
        [sys.executable, "-c", OURS.format(load=load)], capture_output=True, text=True, timeout=60, check=True
    )
    found_third, found_ours = (part.split() for part in done.stdout.split("/"))
    assert [list(third), [f"gws_replay.{name}" for name in sorted(ours)]] == [found_third, found_ours]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recrod"], "There is no command 'recrod'. Did you mean 'record'?"),
        (["xyzzy"], "There is no command 'xyzzy'.\n"),
        (["record", "--casette", "x"], "Did you mean '--cassette'?"),
        (["sandbox", "--fault", "extrakey"], "there is no fault 'extrakey'. Did you mean 'extra-key'?"),
        (["show", "casettes/update.yaml"], "No such file or directory. Did you mean 'cassettes'?"),
        (["verify", "cassettes/updat.yaml"], "Did you mean 'update.yaml'?"),
    ],
)
def test_unknown_name_gets_a_suggestion(tmp_path: Path, arguments: list[str], message: str) -> None:
    """Of commands, options, faults and cassettes."""
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / "update.yaml").touch()
    done = run(*arguments, cwd=tmp_path)
    assert 2 == done.returncode
    assert message in done.stderr
