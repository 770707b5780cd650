import subprocess

from devtools.stack import postgres


def test_the_wheels_programs_run_from_a_copy(tmp_path):
    """As root from a directory that only root may enter: the server runs as another user, who
    cannot reach the environment.
    """
    programs = postgres.copied(postgres.of_the_wheel(), tmp_path / "wheel")
    for name in ("initdb", "postgres"):
        told = subprocess.run(
            [programs / name, "--version"], capture_output=True, text=True, check=False
        )
        assert (told.returncode, told.stdout.split()[:2]) == (0, [name, "(PostgreSQL)"]), (
            told.stderr
        )
    assert not (tmp_path / "wheel.begun").exists()
    assert postgres.copied(postgres.of_the_wheel(), tmp_path / "wheel") == programs


def test_a_copy_that_was_broken_off_is_made_anew(tmp_path):
    (tmp_path / "wheel.begun").mkdir()
    (tmp_path / "wheel.begun" / "half").touch()
    programs = postgres.copied(postgres.of_the_wheel(), tmp_path / "wheel")
    assert (programs / "postgres").exists()
    assert not (tmp_path / "wheel" / "half").exists()
