import subprocess

from devtools.stack import postgres


def test_the_wheels_programs_run_from_a_copy(tmp_path):
    """Needed for root in a directory that only root may enter: the server runs as another user, who
    cannot reach the environment.
    """
    target = tmp_path / "wheel"
    programs = postgres.copy_wheel_binaries(postgres.wheel_binaries(), target)
    for name in ("initdb", "postgres"):
        process = subprocess.run(
            [programs / name, "--version"], capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, process.stderr
        assert process.stdout.split()[:2] == [name, "(PostgreSQL)"]
    assert not (tmp_path / "wheel.begun").exists()
    assert postgres.copy_wheel_binaries(postgres.wheel_binaries(), target) == programs


def test_an_interrupted_copy_is_made_again(tmp_path):
    (tmp_path / "wheel.begun").mkdir()
    (tmp_path / "wheel.begun" / "half").touch()
    programs = postgres.copy_wheel_binaries(postgres.wheel_binaries(), tmp_path / "wheel")
    assert (programs / "postgres").exists()
    assert not (tmp_path / "wheel" / "half").exists()
