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

make_environment() {
  local python want have
  want=$(cksum < requirements.lock)
  have=$(cat "$VENV/complete" 2>/dev/null || true)
  [ "$want" = "$have" ] && "$VENV/bin/python" -c '' 2>/dev/null && return
  python=$(find_python)
  echo "Setting up .fraud/venv with $("$python" --version) (about 300 MB of packages, once) …"
  mkdir -p .fraud
  rm -rf "$VENV"
  if ! "$python" -m venv "$VENV" 2>.fraud/venv.log; then
    rm -rf "$VENV"
    # Debian's python3 comes without ensurepip; pip's own way around it needs only pip somewhere.
    if ! { "$python" -m venv --without-pip "$VENV" && "$python" -m pip --python "$VENV/bin/python" install -q pip >>.fraud/venv.log 2>&1; }; then
      cat .fraud/venv.log >&2
      echo "The environment could not be made. On Debian or Ubuntu: apt-get install python3-venv" >&2
      return 1
    fi
  fi
  "$VENV/bin/python" -m pip install --progress-bar "$([ -t 1 ] && echo on || echo off)" -q --require-hashes --no-deps -r requirements.lock
  echo "$want" > "$VENV/complete"
}

make_environment
PYTHON="$VENV/bin/python"
