"""What tests of the command line share."""

from click.testing import CliRunner

from aann.cli import main


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def check_one_line(result, *messages):
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for message in messages:
        assert message in result.stderr
