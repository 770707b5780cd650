# Sourced by scripts/demo, scripts/test and scripts/bench: makes .fraud/venv from requirements.lock, once.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
export PYTHONPATH="$ROOT" PIP_DISABLE_PIP_VERSION_CHECK=1
VENV="$ROOT/.fraud/venv"

find_python() {
  local candidate
  for candidate in "${FRAUD_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed, and none was found. FRAUD_PYTHON can name one." >&2
  return 1
}

# make_environment DIRECTORY LOCK: a virtual environment with exactly what the lock file names, made once.
make_environment() {
  local venv=$1 lock=$2 python want have
  want=$(cksum < "$lock")
  have=$(cat "$venv/complete" 2>/dev/null || true)
  [ "$want" = "$have" ] && "$venv/bin/python" -c '' 2>/dev/null && return
  python=$(find_python)
  echo "Setting up ${venv#"$ROOT"/} with $("$python" --version) (about 300 MB of packages, once) …"
  mkdir -p .fraud
  rm -rf "$venv"
  if ! "$python" -m venv "$venv" 2>.fraud/venv.log; then
    rm -rf "$venv"
    # Debian's python3 comes without ensurepip; pip's own way around it needs only pip somewhere.
    if ! { "$python" -m venv --without-pip "$venv" && "$python" -m pip --python "$venv/bin/python" install -q pip >>.fraud/venv.log 2>&1; }; then
      cat .fraud/venv.log >&2
      echo "The environment could not be made. On Debian or Ubuntu: apt-get install python3-venv" >&2
      return 1
    fi
  fi
  "$venv/bin/python" -m pip install --progress-bar "$([ -t 1 ] && echo on || echo off)" -q --require-hashes --no-deps -r "$lock"
  echo "$want" > "$venv/complete"
}

make_environment "$VENV" requirements.lock
PYTHON="$VENV/bin/python"
